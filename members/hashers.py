"""How passwords are kept: strong enough, and fast enough that a sign-in stays within its 100 ms."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class AccountPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the smallest that OWASP's password storage cheat sheet recommends."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
