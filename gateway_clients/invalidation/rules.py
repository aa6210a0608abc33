"""Which events tell of a change, and one table of what it invalidates, for events, writes and staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway_clients.caching.keys import ANY, ID_PATTERN, Subject


class Changed(StrEnum):
    """The kinds of data that may change."""

    CLAIM = "claim"
    MEMBER = "member"
    BENEFITS = "benefits"
    COVERAGE = "coverage"
    PROVIDER = "provider"
    PAYMENTS = "payments"
    DOCUMENTS = "documents"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a kind of data, and of whom, as far as that is known. Raises ValueError for an invalid member id.

    The services name claims and providers as they like: one whose name is no id has no tag of its own, because nothing
    is cached under such a name.
    """

    changed: Changed
    member_id: str | None = None
    provider_id: str | None = None
    claim_id: str | None = None

    def __post_init__(self) -> None:
        if self.member_id is not None:
            Subject.member(self.member_id)

    @property
    def _ids(self) -> dict[str, str | None]:
        return {"member": self.member_id, "provider": self.provider_id, "claim": self.claim_id}

    @property
    def tags(self) -> frozenset[str]:
        """Returns the tags that it invalidates."""
        templates = DROPS[self.changed]
        if self.changed is Changed.CLAIM and self.provider_id is None:
            templates += OF_ANY_PROVIDER
        unknown = [f"{{{kind}}}" for kind, value in self._ids.items() if not ID_PATTERN.match(value or "")]
        return frozenset(tag.format(**self._ids) for tag in templates if not any(kind in tag for kind in unknown))


#: What each drops, as tags of `keys`; a tag is left out where it needs an id that the change doesn't have.
#: A change of a claim moves the sums over everybody too (`summary`), one of a provider the lists it may stand in.
DROPS: Final[Mapping[Changed, tuple[str, ...]]] = {
    Changed.CLAIM: (
        "claim:{claim}",
        "member:{member}:claims",
        "member:{member}:summary",
        "member:{member}:dashboard",
        "provider:{provider}:claims",
        "provider:{provider}:summary",
        "provider:{provider}:dashboard",
        "summary",
    ),
    Changed.MEMBER: ("member:{member}",),
    Changed.BENEFITS: ("member:{member}:benefits", "member:{member}:dashboard"),
    Changed.COVERAGE: ("member:{member}:coverage", "member:{member}:dashboard"),
    Changed.PROVIDER: ("provider:{provider}", "provider"),
    Changed.PAYMENTS: ("member:{member}:payments", "member:{member}:dashboard"),
    Changed.DOCUMENTS: ("member:{member}:documents", "member:{member}:dashboard"),
    Changed.NOTIFICATIONS: (
        "member:{member}:notifications",
        "member:{member}:dashboard",
        "provider:{provider}:notifications",
        "provider:{provider}:dashboard",
    ),
}
#: Where no provider is named: those of every provider, because any of them may show the claim.
OF_ANY_PROVIDER: Final = tuple(f"provider:{ANY}:{data_class}" for data_class in ("claims", "summary", "dashboard"))


@dataclass(frozen=True, slots=True)
class EventType:
    """What changes with events of one type, and the ids that their data holds: each of the first, one of the second."""

    changed: Changed
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


OF_A_MEMBER: Final = ("member_id",)
#: What upstreams tell, by the type of the event.
EVENTS: Final[Mapping[str, EventType]] = {
    "claim.status.changed": EventType(Changed.CLAIM, ("claim_id", "member_id"), ("provider_id",)),
    "member.updated": EventType(Changed.MEMBER, OF_A_MEMBER),
    "benefit.updated": EventType(Changed.BENEFITS, OF_A_MEMBER),
    "coverage.changed": EventType(Changed.COVERAGE, OF_A_MEMBER),
    "provider.updated": EventType(Changed.PROVIDER, ("provider_id",)),
    "payment.updated": EventType(Changed.PAYMENTS, OF_A_MEMBER),
    "document.added": EventType(Changed.DOCUMENTS, OF_A_MEMBER),
    "notification.created": EventType(Changed.NOTIFICATIONS, (), ("member_id", "provider_id")),
}
