"""Names and kinds of files: what portals may send, and how a file's name is told without trusting it.

A name is normalised before it is cleaned: a full-width quote becomes a quote first, and is replaced as one.
"""

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
    """A kind of file: how it begins, how its name ends, and what else its content type is called.

    `lead`: bytes that may stand before its beginning.
    """

    magic: bytes
    suffixes: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    lead: bytes = b""

    def begins(self, beginning: bytes) -> bool:
        """Whether a file that begins like this is one."""
        return beginning.lstrip(self.lead).startswith(self.magic) if self.lead else beginning.startswith(self.magic)


#: The kinds that may be sent, by their content type. Scanners put line breaks before a PDF; every reader takes them.
KINDS: Final[Mapping[str, FileKind]] = {
    "application/pdf": FileKind(
        b"%PDF-", (".pdf",), aliases=("application/x-pdf", "application/acrobat", "text/pdf"), lead=b"\0\t\n\f\r "
    ),
    "image/jpeg": FileKind(b"\xff\xd8\xff", (".jpg", ".jpeg"), aliases=("image/jpg", "image/pjpeg")),
    "image/png": FileKind(b"\x89PNG\r\n\x1a\n", (".png",), aliases=("image/x-png",)),
}
ALIASES: Final[Mapping[str, str]] = {alias: name for name, kind in KINDS.items() for alias in kind.aliases}
#: How many bytes of a file tell its kind, with what may stand before its beginning.
BEGINNING_BYTES: Final = 1024


def kind_of(content_type: str, beginning: bytes) -> str | None:
    """The content type of a file that begins like this, unless it is said to be of another; None: none of the kinds."""
    found = next((name for name, kind in KINDS.items() if kind.begins(beginning[:BEGINNING_BYTES])), None)
    return found if ALIASES.get(content_type, content_type) in {found, ANY_TYPE, ""} else None


def shown_type(content_type: str) -> str:
    """The content type a file is handed out with: one of the kinds, or bytes that nobody looks into."""
    known = ALIASES.get(content_type, content_type)
    return known if known in KINDS else ANY_TYPE


def safe_name(name: str, content_type: str = "") -> str:
    """A file's name without its folders and whatever else it could do harm with; never empty.

    It ends as files of its content type do, where that is one of the kinds.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFKC", name))[-1]
    visible = "".join(each for each in last if unicodedata.category(each)[0] != "C")
    # What stood on both sides of a character that is gone may be one character now.
    whole = unicodedata.normalize("NFKC", visible)
    printable = "".join(" " if unicodedata.category(each)[0] == "Z" else each for each in whole)
    clean = " ".join(SPECIAL.sub("_", printable).split()).strip(". ")
    kind = KINDS.get(content_type)
    if kind is None:
        return clean[:NAME_MAX_LENGTH].rstrip(". ") or "document"
    suffix = next((each for each in kind.suffixes if clean.lower().endswith(each)), "")
    stem = clean[: len(clean) - len(suffix)][:NAME_MAX_LENGTH].rstrip(". ")
    return (stem or "document") + (suffix or kind.suffixes[0])


def attachment(name: str) -> str:
    """`Content-Disposition` (RFC 6266) of a file to be saved: its safe name in ASCII, and whole where that differs."""
    ascii_name = _in_ascii(name)
    header = f'attachment; filename="{ascii_name}"'
    if ascii_name == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name, safe=ATTRIBUTE_CHARACTERS)}"


def _in_ascii(name: str) -> str:
    """Returns the name in ASCII, without accents and other scripts, cleaned again: decomposing may make a `<`."""
    plain = SPECIAL.sub("_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    stem, dot, suffix = plain.rpartition(".")
    if not dot:
        return plain.strip() or "document"
    return plain if stem.strip() else f"document.{suffix}"
