"""What is asked for, and what came of it, as values."""

import datetime
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from claims.models import Operation
from gateway_clients.edge.output import Problem
from gateway_clients.pipeline.outcome import Outcome as Answered
from gateway_clients.services.claims import ClaimPayload, NewClaimItem
from gateway_clients.services.payload_parser import Count


class GivenClaim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A claim as the portal sent it, checked."""

    member_id: str
    provider_id: str
    service_date: datetime.date
    items: tuple[NewClaimItem, ...]
    diagnosis_code: str | None = None
    notes: str | None = None


class GivenChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cancellation or an appeal as the portal sent it, checked."""

    member_id: str
    claim_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of an account. `key` None: the portal wants no protection against its own repeats.

    `provider_id` is where the claim has to be for this account to ask for this; "" where it may be anywhere.
    """

    operation: Operation
    account_id: str
    key: str | None
    given: GivenClaim | GivenChange
    provider_id: str = ""

    @property
    def fingerprint(self) -> bytes:
        """Equal for two requests that ask for the same; sealed before it is kept, since it is what was asked."""
        given: Any = self.given
        return msgspec.json.encode([self.operation.value, given], order="deterministic")


class KeptClaim(ClaimPayload, frozen=True):
    """A claim as the service told it when it was asked, and what of it could not be read, as sections tell it."""

    omitted: Count = 0
    drifted: tuple[str, ...] = ()

    @classmethod
    def of(cls, answered: Answered[ClaimPayload]) -> Self:
        """That of an answer."""
        told = {name: getattr(answered.value, name) for name in ClaimPayload.__struct_fields__}
        return cls(**told, omitted=answered.omitted, drifted=answered.drifted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: the claim, or a problem; neither while the outcome is not known. `as_of`: known since then."""

    submission_id: str
    operation: Operation
    claim: KeptClaim | None = None
    problem: Problem | None = None
    is_replayed: bool = False
    as_of: datetime.datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is still being found out."""
        return self.claim is None and self.problem is None
