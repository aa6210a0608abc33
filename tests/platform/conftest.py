"""A gateway over the little site, for the tests of processes."""

from tests.support.served import serve

__all__ = ["serve"]
