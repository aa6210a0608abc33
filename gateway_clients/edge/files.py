"""Names and kinds of files: what portals may send, and how a file's name is told without trusting it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

NAME_MAX_LENGTH: Final = 120
ANY_TYPE: Final = "application/octet-stream"
#: What file systems, headers and shells take for something else than a part of a name.
SPECIAL: Final = re.compile(r'[<>:"/\\|?*%;]')
#: RFC 8187, 3.2.1: attr-char.
ATTRIBUTE_CHARACTERS: Final = "!#$&+-.^_`|~"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: how it begins, and how its name ends."""

    magic: bytes
    suffixes: tuple[str, ...]


#: The kinds that may be sent, by their content type.
KINDS: Final[Mapping[str, FileKind]] = {
    "application/pdf": FileKind(b"%PDF-", (".pdf",)),
    "image/jpeg": FileKind(b"\xff\xd8\xff", (".jpg", ".jpeg")),
    "image/png": FileKind(b"\x89PNG\r\n\x1a\n", (".png",)),
}
MAGIC_BYTES: Final = max(len(kind.magic) for kind in KINDS.values())


def kind_of(content_type: str, beginning: bytes) -> str | None:
    """The content type of a file that begins like this, unless it is said to be of another; None: none of the kinds."""
    found = next((name for name, kind in KINDS.items() if beginning.startswith(kind.magic)), None)
    return found if content_type in {found, ANY_TYPE, ""} else None


def shown_type(content_type: str) -> str:
    """The content type a file is handed out with: one of the kinds, or bytes that nobody looks into."""
    return content_type if content_type in KINDS else ANY_TYPE


def safe_name(name: str, content_type: str = "") -> str:
    """A file's name without its folders and whatever else it could do harm with; never empty.

    It ends as files of its content type do, where that is one of the kinds.
    """
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(
        " " if unicodedata.category(each)[0] == "Z" else each for each in last if unicodedata.category(each)[0] != "C"
    )
    clean = " ".join(SPECIAL.sub("_", printable).split()).strip(". ")
    kind = KINDS.get(content_type)
    if kind is None:
        return clean[:NAME_MAX_LENGTH].rstrip(". ") or "document"
    suffix = next((each for each in kind.suffixes if clean.lower().endswith(each)), "")
    stem = clean[: len(clean) - len(suffix)][:NAME_MAX_LENGTH].rstrip(". ")
    return (stem or "document") + (suffix or kind.suffixes[0])


def attachment(name: str) -> str:
    """`Content-Disposition` (RFC 6266) of a file to be saved: its name in ASCII, and whole where that differs."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "document"
    header = f'attachment; filename="{ascii_name}"'
    if ascii_name == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name, safe=ATTRIBUTE_CHARACTERS)}"
