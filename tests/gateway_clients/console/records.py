"""Rows that staff's tables show: submissions and messages in trouble, accounts, a trail; long values among them."""

from datetime import timedelta

from django.utils import timezone

from claims.models import Operation, State, Submission
from claims.submissions.messages import SETTLE, about
from gateway_clients.audit.staff import note_staff_look
from gateway_clients.models import OutboxMessage
from members.models import Account

TROUBLE = "The claims service answers 409 idempotency_key_reused. Ask its owners what became of the key, then resolve."
#: A value as long as its column takes it.
LONG_ID = "m-0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"


def play_submissions() -> Submission:
    """Submissions in every state; the one whose outcome is unknown, which is parked."""
    now = timezone.now()
    states = (State.SUBMITTED, State.SUBMITTED, State.REFUSED, State.SENDING, State.CHECKING, State.UNKNOWN)
    for number, state in enumerate(states):
        row = Submission.objects.create(
            account_id="7",
            operation=(Operation.SUBMIT, Operation.CANCEL, Operation.APPEAL)[number % 3],
            member_id=LONG_ID if state is State.REFUSED else f"m-{number}",
            provider_id=f"p-{number}" if number % 2 else "",
            claim_id=f"c-{100 + number}" if state is State.SUBMITTED else "",
            state=state,
            created_at=now - timedelta(minutes=7 * (len(states) - number)),
            settled_at=now - timedelta(minutes=3) if state in {State.SUBMITTED, State.REFUSED} else None,
            leased_until=now,
            expires_at=now + timedelta(hours=20),
            asked=b"",
            sent=b"",
        )
    OutboxMessage.objects.create(kind=SETTLE, about=about(row), parked_at=now, attempts=31, trouble=TROUBLE)
    OutboxMessage.objects.create(kind="notification.send", about="claim:c-101", attempts=2, trouble="HTTP 503")
    OutboxMessage.objects.create(kind="cache.invalidate", about="member:m-1")
    return row


def play_accounts() -> None:
    """Accounts of members, providers and staff."""
    make = Account.objects.create_user
    make("siti.rahayu@example.com", None, name="Siti Rahayu", member_id="m-1")
    make("klinik.sehat@example.com", None, name="Klinik Sehat", provider_id="p-1")
    make("locked@example.com", None, name="Budi", member_id="m-2", is_active=False)
    make("helper@example.com", None, name="Dewi", is_staff=True)
    make("a.member.with.a.very.long.address.indeed@mail.of.a.company.example.com", None, member_id=LONG_ID)


def play_trail(by: Account) -> None:
    """Looks of staff."""
    for number, action in enumerate(("cache.drop", "breaker.forced_open", "console.reveal_masked", "audit.export")):
        note_staff_look(
            action, account_id=str(by.pk), member_id=f"m-{number}", sections="claims", reason="ticket 4711, OPS-31"
        )
