"""A breaker's permission to make one call."""

from typing import Protocol

import msgspec

from gateway_clients.errors import UpstreamUnavailableError


class PermitIssuer(Protocol):
    """The breaker that gave a permit."""

    @property
    def name(self) -> str | None: ...
    def settle(self, permit: "Permit", seconds: float, error: BaseException | None) -> None: ...
    def give_back(self, permit: "Permit") -> None: ...
    def pause(self, seconds: float | None) -> float: ...


class Permit(msgspec.Struct, frozen=True, eq=False):
    """Permits one call; at the call's end exactly one of the methods is called. Durations in seconds.

    All calls of one generation share a permit, but for a probe, which has its own.
    """

    breaker: PermitIssuer
    generation: int
    is_probe: bool = False

    def succeeded(self, seconds: float) -> None:
        """Counts an answer; a 4xx is one."""
        self.breaker.settle(self, seconds, None)

    def failed(self, seconds: float, error: BaseException | None = None) -> None:
        """Counts a timeout, a refused or dropped connection, a 5xx, or an answer that does not parse."""
        self.breaker.settle(self, seconds, error or UpstreamUnavailableError(str(self.breaker.name)))

    def ignored(self) -> None:
        """Counts nothing: the call ended for a reason that says nothing of the upstream."""
        self.breaker.give_back(self)
