"""What the tests of the doors share."""

from tests.support.portals import fast_passwords, own_counters, portal, signed_in

__all__ = ["fast_passwords", "own_counters", "portal", "signed_in"]
