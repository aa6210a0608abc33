"""What upstreams of the tests answer, as their contracts say."""

from typing import Any

from tests.upstreams import UPSTREAMS
from tests.upstreams.benefit import BENEFIT
from tests.upstreams.claims import CLAIM, SUMMARY
from tests.upstreams.document import DOCUMENT
from tests.upstreams.member import MEMBER
from tests.upstreams.notification import NOTIFICATION
from tests.upstreams.payment import PAYMENT
from tests.upstreams.policy import COVERAGE
from tests.upstreams.provider import PROVIDER
from tests.upstreams.samples import a_page

__all__ = [
    "BENEFIT",
    "CLAIM",
    "COVERAGE",
    "DOCUMENT",
    "MEMBER",
    "NOTIFICATION",
    "PAYMENT",
    "PROVIDER",
    "SUMMARY",
    "a_page",
    "all_done",
    "all_well",
]


def all_well() -> dict[str, Any]:
    """Every read answered, about member m-1 and provider p-1."""
    return {operation: answer for each in UPSTREAMS.values() for operation, answer in each.well.items()}


def all_done() -> dict[str, Any]:
    """Every write carried out, about the same."""
    return {operation: answer for each in UPSTREAMS.values() for operation, answer in each.done.items()}
