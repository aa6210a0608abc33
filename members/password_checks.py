"""Looking at a password so that a wrong one costs the same work, whatever is known of the account.

Django hashes once for an unknown e-mail, in the way that is preferred now, and for a known one in the way its password
is kept in. A password that came from elsewhere is kept as it came until somebody signs in with it: until then the time
of an answer would tell that there is such an account, also by how many iterations it was hashed with.
"""

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import (
    UNUSABLE_PASSWORD_PREFIX,
    BasePasswordHasher,
    PBKDF2PasswordHasher,
    check_password,
    get_hashers,
    identify_hasher,
)
from django.core.signals import setting_changed
from django.db.models import BigIntegerField, Max, Value
from django.db.models.functions import Cast, StrIndex, Substr

from members.hash_queue import hash_queue

#: Of an imported password's iterations so many times those of Django count: a sign-in that fails costs as much.
DEAREST: Final = 2
#: How long it is taken for granted which hashers are in use.
LOOK_SECONDS: Final = 60.0


class HashersInUse:
    """The preferred hasher, and the others that some account's password is kept with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: Sequence[BasePasswordHasher] = ()
        self._is_over_at = clock()

    def find(self) -> Sequence[BasePasswordHasher]:
        """The hashers, the preferred one first; the database is asked once a minute. Raises DatabaseError."""
        if self._clock() >= self._is_over_at:
            preferred, *others = get_hashers()
            in_use = (each for other in others if (each := _in_use(other)) is not None)
            self._found = (preferred, *in_use)
            self._is_over_at = self._clock() + LOOK_SECONDS
        return self._found

    def forget(self, **_: object) -> None:
        """Ask anew at the next look."""
        self._is_over_at = self._clock()


HASHERS_IN_USE: Final = HashersInUse()

setting_changed.connect(HASHERS_IN_USE.forget)


def check(password: str | None, kept: str) -> tuple[bool, bool]:
    """Whether it is the password, and whether that one ought to be kept anew.

    A wrong one is hashed once with each hasher in use, in one turn of the queue. Raises OverloadedError.
    """
    return hash_queue().run(partial(_check, password, kept, HASHERS_IN_USE.find()))


def waste(password: str) -> None:
    """Costs what a wrong password costs, where there is no account to look at. Raises OverloadedError."""
    check(password, UNUSABLE_PASSWORD_PREFIX)


def _check(password: str | None, kept: str, hashers: Sequence[BasePasswordHasher]) -> tuple[bool, bool]:
    to_keep_anew: list[str] = []
    algorithm = _algorithm_of(kept)
    if check_password(password, kept if algorithm else UNUSABLE_PASSWORD_PREFIX, to_keep_anew.append):
        return True, bool(to_keep_anew)
    preferred = hashers[0]
    given = password or ""
    for hasher in hashers:
        # Where nothing can be read of what is kept, Django has hashed in the preferred way.
        if hasher.algorithm != (algorithm or preferred.algorithm):
            hasher.encode(given, hasher.salt())
        elif hasher is not preferred:
            harder: Any = hasher
            harder.harden_runtime(given, kept)
    return False, False


def _algorithm_of(kept: str) -> str:
    """How a password is kept; "" where there is none, or what stands there is no hash."""
    try:
        hasher: Any = identify_hasher(kept)
        return str(hasher.decode(kept)["algorithm"])
    except Exception:  # noqa: BLE001 - each hasher stumbles in its own way
        return ""


def _in_use(hasher: BasePasswordHasher) -> BasePasswordHasher | None:
    """The hasher, if some account's password is kept with it; of PBKDF2 one that iterates as often as the dearest."""
    prefix = f"{hasher.algorithm}$"
    kept = get_user_model().objects.filter(password__startswith=prefix)
    if not isinstance(hasher, PBKDF2PasswordHasher):
        return hasher if kept.exists() else None
    length = StrIndex(Substr("password", len(prefix) + 1), Value("$")) - 1
    iterations = Cast(Substr("password", len(prefix) + 1, length), BigIntegerField())
    readable = kept.filter(password__regex=rf"^{re.escape(prefix)}[0-9]{{1,18}}\$")
    most = readable.aggregate(most=Max(iterations))["most"]
    if most is None:
        return None
    dearest = type(hasher)()
    dearest.iterations = max(hasher.iterations, min(most, DEAREST * hasher.iterations))
    return dearest
