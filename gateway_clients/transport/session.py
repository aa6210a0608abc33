"""The `requests.Session` of an upstream, which takes a redirect for the answer that it is."""

import requests


class UpstreamSession(requests.Session):
    """A session that follows no redirect and does not look where one leads.

    `requests` prepares the next request even where it may not follow: it reads the body whole, decoded and without a
    limit, and raises ValueError for an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Returns None for every answer."""
        return None
