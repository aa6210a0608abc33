"""How passwords are kept: strong enough, and fast enough that a sign-in stays within its 100 ms."""

from functools import partial

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from members.hashing import hashing_door


class AccountPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the smallest that OWASP's password storage cheat sheet recommends."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep. Raises OverloadedError."""
        return hashing_door().pass_through(partial(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password. Raises OverloadedError."""
        return hashing_door().pass_through(partial(super().verify, password, encoded))


class EarlierPasswordHasher(PBKDF2PasswordHasher):
    """How passwords were kept that came from elsewhere."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash to keep. Raises OverloadedError."""
        return hashing_door().pass_through(partial(super().encode, password, salt, iterations))
