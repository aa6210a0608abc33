"""How passwords are kept: strong enough, and fast enough that a sign-in stays within its 100 ms."""

from functools import partial

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from members.hash_queue import hash_queue


class AccountPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 7 MiB, five passes, one lane.

    Of the settings that OWASP's password storage cheat sheet lists as equally strong it is the one with the least
    memory: a worker's peak is that much above what it holds. Others are made anew at the next sign-in.
    """

    time_cost = 5
    memory_cost = 7_168
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep. Raises OverloadedError."""
        return hash_queue().run(partial(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password. Raises OverloadedError."""
        return hash_queue().run(partial(super().verify, password, encoded))


class EarlierPasswordHasher(PBKDF2PasswordHasher):
    """How passwords were kept that came from elsewhere."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash to keep. Raises OverloadedError."""
        return hash_queue().run(partial(super().encode, password, salt, iterations))
