"""What staff make of a submission whose outcome the gateway cannot find out: it happened, or it did not."""

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings

from claims.errors import RefusedByServiceError
from claims.models import Operation, Submission
from claims.submissions import repository
from claims.submissions.commands import KeptClaim
from gateway_clients.edge.output import problem_from
from gateway_clients.errors import GatewayError
from gateway_clients.gateway import Gateway
from gateway_clients.invalidation import now_and_later
from gateway_clients.resilience.deadline import Deadline

HAPPENED, NOT_HAPPENED = "happened", "not_happened"
OUTCOMES = (
    (HAPPENED, "It happened: the claims service has it, as the claim below"),
    (NOT_HAPPENED, "It did not happen: the portal is told that it was refused"),
)


class UnresolvableError(Exception):
    """It cannot be resolved so; its text says why."""


class ResolutionForm(forms.Form):
    """What became of it, as the owners of the claims service say."""

    outcome = forms.ChoiceField(choices=OUTCOMES, widget=forms.RadioSelect)
    claim_id = forms.RegexField(
        r"^[A-Za-z0-9_-]{1,64}\Z", required=False, label="Claim", help_text="Its id, where it happened."
    )
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), help_text="Who told you.")

    def clean(self) -> dict[str, Any]:
        """Refuses that something happened without the claim as which it did."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("outcome") == HAPPENED and given.get("claim_id") == "":
            self.add_error("claim_id", "Give the id of the claim as which it happened.")
        return given


def resolve(row: Submission, *, has_happened: bool, claim_id: str, now: datetime) -> None:
    """Settles a submission whose outcome is not known yet, as staff say.

    A claim is read from its service first, and must be the member's. What was asked of a claim can have happened to
    that claim only. Raises UnresolvableError.
    """
    if not has_happened:
        problem = problem_from(RefusedByServiceError(), uuid.uuid4().hex)
        if not repository.start_settling(row, now) or not repository.keep_problem(row, problem, now):
            raise UnresolvableError("Somebody else is at it; try again.")
        return
    if row.operation != Operation.SUBMIT and claim_id != row.claim_id:
        raise UnresolvableError("This is another claim than the one that it was asked of.")
    gateway = Gateway(request_id=uuid.uuid4().hex, deadline=Deadline.after(settings.READ_BUDGET_SECONDS))
    try:
        claim = KeptClaim.of(gateway.call(gateway.claims.get_claim(claim_id)).outcome())
    except GatewayError as error:
        raise UnresolvableError(f"The claims service does not show this claim ({error.code}).") from None
    if claim.member_id != row.member_id:
        raise UnresolvableError("This claim is another member's.")
    now_and_later.invalidate(
        now_and_later.claim_tags(member_id=row.member_id, provider_id=row.provider_id or None, claim_id=claim.id)
    )
    repository.keep_claim(row, claim, now)
