"""What tests of the edge share."""

from tests.support.answering import upstreams
from tests.support.portals import fast_passwords, own_counters, portal, signed_in

__all__ = ["fast_passwords", "own_counters", "portal", "signed_in", "upstreams"]
