"""What staff look for in the cache: a member, a provider, a claim, or keys like a pattern."""

import re
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict

from gateway_clients.caching.keys import ID_RULE
from gateway_clients.caching.purge import exactly

LONGEST_PATTERN: Final = 300
KINDS: Final = ("member", "provider", "claim")
ID: Final = re.compile(ID_RULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySearch:
    """One search. `pattern` is empty when nothing was asked for, `error` says why it cannot be looked for."""

    by: str = "pattern"
    text: str = ""
    pattern: str = ""
    place: str = ""
    error: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> "EntrySearch":
        """The search that a page was asked for."""
        by, text = query.get("by", ""), query.get("text", "").strip()
        pattern, place = query.get("pattern", "").strip()[:LONGEST_PATTERN], query.get("place", "")[:40]
        if by in KINDS and text:
            if not ID.fullmatch(text):
                return cls(by=by, text=text[:80], error=f"That is no id of a {by}.")
            return cls(by=by, text=text, pattern=subject_pattern(by, text), place=place)
        pattern = pattern or text[:LONGEST_PATTERN]
        return cls(by="pattern", text=pattern, pattern=pattern, place=place)


def subject_pattern(kind: str, subject: str) -> str:
    """The pattern of the keys that name a subject, as whom they are about or as who reads them."""
    return f"*:{kind}:{exactly(subject)}:*"
