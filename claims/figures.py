"""What the console's overview says of submissions."""

from collections.abc import Sequence

from django.db.models import Count, Min
from django.urls import reverse

from claims.models import FINAL, State, Submission
from gateway_clients.console.figures import Figure, Trouble


def submissions() -> tuple[Sequence[Figure], Sequence[Trouble]]:
    """How many are open, and how many of unknown outcome."""
    open_ones = Submission.objects.exclude(state__in=FINAL)
    found = open_ones.values("state").annotate(rows=Count("pk"), first=Min("created_at"))
    by_state = {each["state"]: (each["rows"], each["first"]) for each in found}
    unknown, since = by_state.get(State.UNKNOWN, (0, None))
    page = reverse("admin:claims_submission_changelist")
    shown = [
        Figure(label="Submissions open", value=str(sum(rows for rows, _ in by_state.values())), url=page),
        Figure(
            label="Outcome unknown",
            value=str(unknown),
            tone="fair" if unknown else "good",
            url=f"{page}?state__exact={State.UNKNOWN.value}",
        ),
    ]
    if not unknown:
        return shown, []
    trouble = Trouble(
        tone="fair",
        title=f"The outcome of {unknown} {'submission is' if unknown == 1 else 'submissions are'} unknown",
        since=since.timestamp(),
        whom="those whose portals were told that they are pending",
        help="The worker goes on trying; each says what to do.",
        url=f"{page}?state__exact={State.UNKNOWN.value}",
        action="Submissions",
    )
    return shown, [trouble]
