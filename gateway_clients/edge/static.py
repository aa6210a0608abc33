"""Headers of the files that whitenoise serves."""

from typing import Any


def add_headers(headers: Any, _path: str, _url: str) -> None:
    """No guessing at what a file is."""
    headers["X-Content-Type-Options"] = "nosniff"
