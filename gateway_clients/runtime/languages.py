"""The language of the request that this thread answers; only amounts are written in it, texts are English."""

from contextvars import ContextVar
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language that amounts are written in (BCP 47)."""

    ENGLISH = "en"
    INDONESIAN = "id"


#: English unless the request asks for another.
current_language: Final[ContextVar[Language]] = ContextVar("current_language", default=Language.ENGLISH)
