"""Negotiates the media type of a GraphQL answer."""

from typing import Final

from django.http import HttpRequest

from gateway_clients.edge.graphql.errors import GRAPHQL_TYPE, JSON_TYPE
from gateway_clients.edge.output.negotiation import ANY, NONE, accept_of, best_type, liking_of, likings_of

HTML_TYPE: Final = "text/html"
#: Where a portal takes any type alike, it gets the first.
TYPES: Final = (JSON_TYPE, GRAPHQL_TYPE)


def media_type_of(request: HttpRequest) -> str:
    """Returns the media type that the portal prefers, `application/json` by default.
    Raises NotAcceptableError.
    """
    accept = accept_of(request)
    if accept in {"", ANY, JSON_TYPE}:
        return JSON_TYPE
    return best_type(accept, TYPES)


def wants_html(request: HttpRequest) -> bool:
    """Whether the client is a browser: it accepts HTML and prefers it to every media
    type of an answer.
    """
    likings = likings_of(accept_of(request))
    html = likings.get(HTML_TYPE, NONE)
    return html.quality > 0 and html > max(liking_of(likings, each) for each in TYPES)
