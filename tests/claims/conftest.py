"""What tests of claims share."""

from tests.support.answering import upstreams

__all__ = ["upstreams"]
