"""The files that whitenoise serves: in parts as well."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response, SlicedFile, StaticFile

#: One range of bytes (RFC 9110, 14.1.2): from the first to the last, from the first on, or so many of the end.
RANGE: Final = re.compile(r"bytes=(?P<first>[0-9]{1,18})?-(?P<last>[0-9]{1,18})?\Z")


class RangedFile(StaticFile):
    """A file of whitenoise's, of which a single byte may be asked for as well."""

    def __init__(self, file: StaticFile) -> None:
        vars(self).update(vars(file))

    def get_range_response(
        self, range_header: str, base_headers: Sequence[tuple[str, str]], file_handle: BinaryIO | None
    ) -> Response:
        """The asked part. Raises ValueError for what is no range, so that the whole file is sent."""
        size = next(int(value) for name, value in base_headers if name == "Content-Length")
        first, last = _asked(range_header.strip(), size)
        if first > last:
            refusal: Response = self.get_range_not_satisfiable_response(file_handle, size)
            return refusal
        headers = [header for header in base_headers if header[0] != "Content-Length"]
        headers += [("Content-Range", f"bytes {first}-{last}/{size}"), ("Content-Length", str(last - first + 1))]
        part = None if file_handle is None else SlicedFile(file_handle, first, last)
        return Response(HTTPStatus.PARTIAL_CONTENT, headers, part)


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves files of the apps, and of STATIC_ROOT where `collectstatic` has filled it; every part can be had."""

    def add_files(self, root: Any, prefix: str | None = None) -> None:
        """Passes over a STATIC_ROOT that is not there, about which WhiteNoise would warn."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> RangedFile:
        """The file at a path."""
        return RangedFile(super().get_static_file(path, url, stat_cache))


def _asked(header: str, size: int) -> tuple[int, int]:
    """The first and the last byte; the last before the first when the file has none of them. Raises ValueError."""
    match = RANGE.match(header)
    if match is None or match["first"] is match["last"] is None:
        raise ValueError("no range of bytes")
    last = size - 1 if match["last"] is None else int(match["last"])
    if match["first"] is None:
        return max(0, size - last), size - 1
    first = int(match["first"])
    if first > last and match["last"] is not None:
        raise ValueError("ends before it begins")
    return first, min(last, size - 1)
