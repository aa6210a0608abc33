"""View models as answers: their bytes, their ETag, and what the cache had to do with them."""

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from django.http import HttpResponse

from gateway_clients.edge.headers import OwnHeadersResponse, put
from gateway_clients.edge.view_models import ViewMeta, ViewModel, meta_of
from gateway_clients.fan_out.sections import Section, SectionState

JSON_TYPE: Final = "application/json"


def sections_answer(sections: Mapping[str, Section[Any]]) -> HttpResponse:
    """A view made of sections: each by its name, and `meta`."""
    meta = meta_of(sections)
    values = msgspec.json.encode({name: section.value for name, section in sections.items()})
    opening = values[:-1] + b"," if sections else b"{"
    return _response(opening + b'"meta":' + msgspec.json.encode(meta) + b"}", values, meta, 200)


def model_answer(model: ViewModel, *, status: int = 200) -> HttpResponse:
    """A view model; where it has a `meta`, the ages in it are no part of the ETag."""
    body = msgspec.json.encode(model)
    meta = getattr(model, "meta", None)
    if not isinstance(meta, ViewMeta):
        return _response(body, body, None, status)
    ageless = msgspec.structs.replace(model, meta=ViewMeta(complete=True, sections={}))
    return _response(body, msgspec.json.encode(ageless), meta, status)


def cache_status_of(states: Collection[str]) -> str | None:
    """`Cache-Status` (RFC 9211) of an answer made of parts in these states; None when nothing was asked of anybody."""
    if not states:
        return None
    known = set(states)
    if known <= {SectionState.CACHED}:
        return "web-bff; hit"
    if known <= {SectionState.CACHED, SectionState.STALE}:
        return "web-bff; hit; detail=stale"
    return "web-bff; fwd=miss"


def _response(body: bytes, material: bytes, meta: ViewMeta | None, status: int) -> HttpResponse:
    response = OwnHeadersResponse(body, status=status, content_type=JSON_TYPE)
    if status != 200:
        return response
    digest = blake2b(material, digest_size=12)
    if meta is not None:
        digest.update(_lasting(meta))
        cache_status = cache_status_of({section.state for section in meta.sections.values()})
        if cache_status is not None:
            put(response.headers, ("Cache-Status", cache_status))
    put(response.headers, ("ETag", f'W/"{digest.hexdigest()}"'))
    return response


def _lasting(meta: ViewMeta) -> bytes:
    """What of `meta` makes another answer: not the ages, nor whether a whole answer came from the cache."""
    parts = [
        f"{name}={'' if section.state.is_complete else section.state.value},"
        f"{section.error},{section.omitted},{'+'.join(section.drifted)}"
        for name, section in meta.sections.items()
    ]
    return ";".join(parts).encode()
