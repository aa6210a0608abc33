"""What tests of the dashboards share."""

from tests.support.answering import upstreams

__all__ = ["upstreams"]
