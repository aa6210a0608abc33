"""Writes that a portal may repeat: how they end, and what of the cache they make untrue."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TypeGuard, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from gateway_clients.edge.errors import ApiError
from gateway_clients.errors import (
    ErrorCode,
    GatewayError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from gateway_clients.invalidation import now_and_later
from gateway_clients.invalidation.now_and_later import Promise
from gateway_clients.invalidation.rules import Change
from gateway_clients.pipeline.pending_call import PendingCall

P = TypeVar("P")

#: Statuses with which an upstream says that it understood a write and will not do it.
REFUSALS: Final = frozenset({400, 422})
#: A proxy gave up waiting: what stands behind it may have carried it out all the same.
TIMED_OUT: Final = 408
#: What a write may answer beside what it is for.
WRITE_ERRORS: Final = {
    404: "Not found",
    409: "The state of the resource does not allow this",
    413: "The body is too large",
    415: "The body is of another kind",
    422: "The service refused it",
    502: "An upstream gave a bad answer",
    503: "An upstream is unavailable, and nothing was sent; see Retry-After",
    504: "Not known whether it was done; it may be repeated",
}


class UpstreamRefusedError(ApiError):
    """The upstream understood a write and refused it."""

    status = 422
    code = ErrorCode.UPSTREAM_REFUSED
    title = "The service refused this"


def written(call: PendingCall[P], *changes: Change) -> P:
    """Waits for a write; drops what it has changed, also when nobody knows whether it has.

    Raises UpstreamTimeoutError (504) when that is so, UpstreamRefusedError when the upstream said no, and what else a
    call may fail with; what the database does when it is down, before anything is sent.
    """
    promise = now_and_later.promise(changes, within_seconds=settings.SUBMIT_BUDGET_SECONDS)
    try:
        payload = call.require()
    except GatewayError as error:
        raise outcome_of(error, promise) from error
    keep(promise, call.call.service)
    return payload


def all_written(calls: Sequence[PendingCall[P]], *changes: Change) -> list[P]:
    """Waits for writes of one kind; what those came to that had something to change. Drops what they have changed.

    Raises as `written` does, after all have ended; where several failed, for one that may have happened all the same.
    """
    promise = now_and_later.promise(changes, within_seconds=settings.SUBMIT_BUDGET_SECONDS)
    done: list[P] = []
    failures: list[GatewayError] = []
    for call in calls:
        try:
            done.append(call.require())
        except UpstreamNotFoundError:
            continue
        except GatewayError as error:
            failures.append(error)
    failed = max(failures, key=_weight, default=None)
    if failed is not None and (not done or _may_have_happened(failed)):
        raise outcome_of(failed, promise) from failed
    keep(promise, calls[0].call.service)
    if failed is not None:
        raise told_of(failed) from failed
    return done


def _weight(error: GatewayError) -> tuple[bool, bool]:
    return _may_have_happened(error), getattr(error, "was_sent", False)


def keep(promise: Promise, service: str) -> None:
    """Drops what a write has changed. Raises UpstreamTimeoutError when neither Redis nor the database can be told."""
    try:
        promise.keep()
    except (DatabaseError, InterfaceError) as error:
        raise UpstreamTimeoutError(service, was_sent=True) from error


def outcome_of(error: GatewayError, promise: Promise) -> Exception:
    """Returns the error of a failed write; invalidates what it may have changed, and again once its time is over."""
    if _may_have_happened(error):
        with suppress(DatabaseError, InterfaceError):
            promise.keep_now_and_later()
    else:
        promise.release()
    return told_of(error)


def told_of(error: GatewayError) -> Exception:
    """Returns the error that a portal gets for a failed write."""
    if _may_have_happened(error):
        return UpstreamTimeoutError(error.service, was_sent=True)
    if isinstance(error, UpstreamRejectedError) and error.upstream_status in REFUSALS:
        return UpstreamRefusedError(f"{error.service.capitalize()} service refused this")
    return error


def _may_have_happened(error: GatewayError) -> TypeGuard[UpstreamError]:
    if isinstance(error, UpstreamRejectedError):
        return error.upstream_status == TIMED_OUT
    return isinstance(error, UpstreamUnavailableError) and error.was_sent
