"""In which form a portal takes the answer."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.http.request import MediaType

from gateway_clients.edge.errors import NotAcceptableError
from gateway_clients.edge.graphql.errors import GRAPHQL_TYPE, JSON_TYPE

HTML_TYPE: Final = "text/html"
#: Where a portal takes any type alike, it gets the first.
TYPES: Final = (JSON_TYPE, GRAPHQL_TYPE)


@dataclass(frozen=True, slots=True, order=True)
class Liking:
    """How much a type is liked: by its quality, then for being named itself, then for standing earlier."""

    quality: float
    is_named: bool
    earliness: int


NONE: Final = Liking(0.0, False, 0)


def media_type_of(request: HttpRequest) -> str:
    """What the portal likes best, `application/json` where it doesn't say. Raises NotAcceptableError."""
    accept = request.META.get("HTTP_ACCEPT", "")
    if accept in {"", "*/*", JSON_TYPE}:
        return JSON_TYPE
    best = max(TYPES, key=lambda each: _liking(accept, each))
    if _liking(accept, best).quality <= 0:
        raise NotAcceptableError
    return best


def wants_html(request: HttpRequest) -> bool:
    """Whether a person's browser asks, which names HTML and likes it at least as much as any answer."""
    accept = request.META.get("HTTP_ACCEPT", "")
    html = _liking(accept, HTML_TYPE) if HTML_TYPE in accept else NONE
    return html.quality > 0 and html > max(_liking(accept, each) for each in TYPES)


def _liking(accept: str, media_type: str) -> Liking:
    ranges = [(MediaType(text), -place) for place, text in enumerate(accept.split(","))]
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        found = [
            Liking(each.quality, wanted == media_type, earliness)
            for each, earliness in ranges
            if f"{each.main_type}/{each.sub_type}" == wanted
        ]
        if found:
            return max(found)
    return NONE
