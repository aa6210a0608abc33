"""Why a view can show nothing."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from gateway_clients.errors import ErrorCode, GatewayError, GatewayOverloadedError, UpstreamBusyError
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section

#: States of sections that show nothing of what was asked for.
NOTHING: Final = (SectionState.FALLBACK, SectionState.UNAVAILABLE)


class NothingToShowError(GatewayError):
    """Every asked section is fallback or unavailable."""

    status = 503
    code = ErrorCode.UPSTREAM_UNAVAILABLE
    title = "Nothing can be shown at the moment"
    retry_after_seconds = 1.0

    def __init__(self, errors: Collection[BaseException]) -> None:
        super().__init__()
        waits = [error.retry_after_seconds or 0.0 for error in errors if isinstance(error, GatewayError)]
        self.retry_after_seconds = max([1.0, *waits])


def outage_of(sections: Mapping[str, Section[Any]], errors: Iterable[BaseException]) -> GatewayError | None:
    """Returns why none of the sections shows anything; None where one does, or there are none.

    That is its own error for a single section, GatewayOverloadedError where there was room for none of them, and
    NothingToShowError otherwise. `errors`, those of the sections' calls, are looked at only then.
    """
    if not sections or any(section.state not in NOTHING for section in sections.values()):
        return None
    found = list(errors)
    if len(sections) == len(found) == 1 and isinstance(found[0], GatewayError):
        return found[0]
    if found and all(isinstance(error, UpstreamBusyError | GatewayOverloadedError) for error in found):
        return GatewayOverloadedError()
    return NothingToShowError(found)
