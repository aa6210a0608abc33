"""Reads multipart/form-data: its text fields and its one file."""

import re
from email.message import Message
from email.parser import HeaderParser

from sandbox.messages import ProblemError, UploadedFile


def read_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], UploadedFile | None]:
    """The text fields by name, and the field called `file`. Raises ProblemError (400) when it is malformed."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise ProblemError(400, "multipart/form-data without a boundary")
    mark = b"\r\n--" + boundary.encode()
    pieces = (b"\r\n" + body).split(mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ProblemError(400, "the last boundary is missing")
    fields: dict[str, str] = {}
    file: UploadedFile | None = None
    for piece in pieces[1:-1]:
        head, separator, content = re.sub(rb"\A[ \t]*\r\n", b"", piece, count=1).partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
        name = headers.get_param("name", header="content-disposition")
        if not separator or not isinstance(name, str):
            raise ProblemError(400, "a part without a name")
        if name == "file":
            file = UploadedFile(headers.get_filename() or "upload", headers.get_content_type(), content)
        else:
            fields[name] = content.decode("utf-8", "replace")
    return fields, file
