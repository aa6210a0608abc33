"""The headers of static files, besides those that WhiteNoise sets."""

from wsgiref.headers import Headers


def set_policies(headers: Headers, _path: str, _url: str) -> None:
    """Forbids a browser to guess what a static file is, and pages of other origins to embed it."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
