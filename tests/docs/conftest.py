"""Services for programs that the pages hold."""

from tests.support.well_upstreams import running, sandbox

__all__ = ["running", "sandbox"]
