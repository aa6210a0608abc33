"""How often a sign-in may be tried with a wrong password, so that nobody guesses and nobody is locked out.

A try counts for the account from that address, for the address, and for the account from all addresses. Past what is
free each further wrong one makes the next wait, twice as long as the one before: for the account from that address up
to a window, for what strangers can use up for others a minute at most. A device from which the account has signed in
before counts by itself, so that no stranger's tries make it wait, whatever address they come from. There is no limit
over all.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

from gateway_clients.edge.errors import RateLimitedError
from gateway_clients.edge.rate_limit.limits import client_address, window_seconds
from gateway_clients.edge.rate_limit.pauses import Schedule, Try, count_try, take_back
from gateway_clients.instrumentation.tally import tally

#: Of `LOGIN_RATE_LIMIT_MAX`: how many wrong tries are free to one address, and to all addresses for one account.
BY_ADDRESS: Final = 10
BY_ACCOUNT: Final = 5
#: The longest pause, in seconds, that strangers can cause: at the same address, or by trying the same account.
LONGEST_OF_STRANGERS: Final = 60


@dataclass(frozen=True, slots=True)
class SignInTry:
    """A try that was counted before its password was looked at, so that many at once are counted, too."""

    counted: tuple[Try, ...]

    def succeeded(self) -> None:
        """Takes back what was counted: a right password counts for nothing."""
        for tried in self.counted:
            take_back(tried)

    @contextmanager
    def counted_for(self, wrong: type[Exception]) -> Iterator[None]:
        """Around the look at a password: it stays counted for this error alone.

        A right one counts for nothing, nor does one that nobody could look at.
        """
        try:
            yield
        except wrong:
            raise
        except BaseException:
            self.succeeded()
            raise
        self.succeeded()


def count_sign_in(request: HttpRequest, email: str, *, device: str | None = None) -> SignInTry:
    """Counts a try to sign in, over whichever door; `device` is one that the account knows.

    Raises RateLimitedError while there is a pause. Who is refused uses up nothing.
    """
    counted: list[Try] = []
    for group, value, schedule in _limits(client_address(request), email.strip().lower(), device):
        tried = count_try(_key(group, value, schedule), schedule)
        if tried.wait_seconds:
            SignInTry(tuple(counted)).succeeded()
            tally().add(f"limit|{group}")
            raise RateLimitedError(retry_after_seconds=tried.wait_seconds)
        counted.append(tried)
    return SignInTry(tuple(counted))


def _limits(address: str, account: str, device: str | None) -> list[tuple[str, str, Schedule]]:
    free, window = settings.LOGIN_RATE_LIMIT_MAX, window_seconds()
    of_strangers = min(window, LONGEST_OF_STRANGERS)
    if device is not None:
        return [("sign-in-device", f"{device}|{account}", Schedule(free, window, window))]
    return [
        ("sign-in-pair", f"{address}|{account}", Schedule(free, window, window)),
        ("sign-in-address", address, Schedule(free * BY_ADDRESS, of_strangers, window)),
        ("sign-in-account", account, Schedule(free * BY_ACCOUNT, of_strangers, window)),
    ]


def _key(group: str, value: str, schedule: Schedule) -> str:
    """A counter's key, which names nobody. With other settings counting begins anew, as django-ratelimit's does."""
    digest = hashlib.sha256(f"{schedule.free}|{schedule.longest_seconds}|{value}".encode()).hexdigest()
    return str(caches[settings.RATELIMIT_USE_CACHE].make_key(f"{group}:{digest}"))
