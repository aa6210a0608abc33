"""In which form a portal takes the answer: one reading of `Accept` and `Accept-Encoding` (RFC 9110, 12.4 and 12.5).

A header is read once, in linear time, as far as any portal's goes. What is empty takes anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from gateway_clients.edge.errors import NotAcceptableError
from gateway_clients.edge.input.wrapped_request import django_request
from gateway_clients.runtime.languages import Language

ANY: Final = "*/*"
GZIP: Final = ("gzip", "x-gzip")
IDENTITY: Final = "identity"
QUALITY: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{0,6})?\Z|\.[0-9]{1,6}\Z")
#: Headers that are worth remembering: no longer than those of browsers.
USUAL_LENGTH: Final = 256
#: How many forms of a header are looked at, and how many parameters of each; the rest counts for nothing.
MOST_FORMS: Final = 128
MOST_PARAMETERS: Final = 16


@dataclass(frozen=True, slots=True, order=True)
class Liking:
    """How much a form is liked: by its quality, then for being named itself, then for standing earlier."""

    quality: float
    is_named: bool
    earliness: int


NONE: Final = Liking(0.0, False, 0)
Likings = Mapping[str, Liking]


def likings_of(header: str) -> Likings:
    """Returns the names in a header, in lower case, and their weights."""
    return _remembered(header) if len(header) <= USUAL_LENGTH else _read(header)


def liking_of(likings: Likings, media_type: str) -> Liking:
    """How much a media type is liked, by the most specific range that it is within."""
    named = likings.get(media_type)
    if named is not None:
        return named
    wide = likings.get(f"{media_type.partition('/')[0]}/*") or likings.get(ANY) or NONE
    return Liking(wide.quality, False, wide.earliness)


def best_type(header: str, offered: Sequence[str]) -> str:
    """The media type that is liked best; of those that are liked alike the first. Raises NotAcceptableError."""
    likings = likings_of(header)
    if not likings:
        return offered[0]
    best = max(offered, key=lambda each: liking_of(likings, each))
    if liking_of(likings, best).quality <= 0:
        raise NotAcceptableError
    return best


def accept_of(request: HttpRequest) -> str:
    """The request's `Accept`, "" where there is none."""
    accept: str = request.META.get("HTTP_ACCEPT", "")
    return accept


def takes_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` asks for gzip by its name, and likes it no less than the plain bytes."""
    likings = likings_of(header)
    gzip = max(likings.get(name, NONE) for name in GZIP)
    return gzip.quality > 0 and gzip.quality >= likings.get(IDENTITY, NONE).quality


def language_of(header: str) -> Language:
    """The language of an `Accept-Language` that is liked best (RFC 4647, lookup): English unless it says otherwise."""
    if not header:
        return Language.ENGLISH
    likings: dict[str, Liking] = {}
    for name, liking in likings_of(header).items():
        primary = name.partition("-")[0]
        likings[primary] = max(liking, likings.get(primary, NONE))
    best = max(Language, key=lambda each: likings.get(each) or likings.get(ANY) or NONE)
    return best if likings.get(best, NONE).quality > 0 else Language.ENGLISH


class Negotiation(DefaultContentNegotiation):
    """The same for DRF: the renderer that is liked best, under its own media type and never as the portal writes it."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """The renderer and its media type. Raises NotAcceptableError."""
        by_type = {each.media_type: each for each in renderers}
        best = best_type(accept_of(django_request(request)), tuple(by_type))
        return by_type[best], best


def _read(header: str) -> Likings:
    likings: dict[str, Liking] = {}
    for place, entry in enumerate(header.split(",", MOST_FORMS)[:MOST_FORMS]):
        name, _, parameters = entry.partition(";")
        name = name.strip().lower()
        if not name:
            continue
        if name == "*":
            name = ANY
        found = Liking(_quality(parameters) if parameters else 1.0, True, -place)
        known = likings.get(name)
        if known is None or known < found:
            likings[name] = found
    return likings


_remembered: Final = lru_cache(maxsize=256)(_read)


def _quality(parameters: str) -> float:
    """Between 0 and 1; 1 where it is not said, or said in a way that nobody can read."""
    for parameter in parameters.split(";", MOST_PARAMETERS)[:MOST_PARAMETERS]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            value = value.strip()
            return min(1.0, float(value)) if QUALITY.match(value) else 1.0
    return 1.0
