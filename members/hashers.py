"""How passwords are kept: strong enough, and fast enough that a sign-in stays within its 100 ms."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from gateway_clients.crew import crew


class AccountPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the smallest that OWASP's password storage cheat sheet recommends."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep. Another thread serves meanwhile: Argon2 works without the interpreter."""
        with crew().away():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password."""
        with crew().away():
            return super().verify(password, encoded)
