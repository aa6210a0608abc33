"""View models as answers: their bytes, their ETag, and what the cache had to do with them."""

import math
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from django.http import HttpResponse

from gateway_clients.edge.output.headers import OwnHeadersResponse, put
from gateway_clients.edge.output.view_models import ViewMeta, ViewModel, meta_of
from gateway_clients.pipeline.outcome import Freshness, SectionState
from gateway_clients.pipeline.section import Section

HITS: Final = frozenset({SectionState.CACHED, SectionState.STALE})
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
    ageless = msgspec.structs.replace(model, meta=ViewMeta(complete=True, as_of=None, sections={}))
    return _response(body, msgspec.json.encode(ageless), meta, status)


def cache_status_of(parts: Collection[Freshness], *, is_fresh_wanted: bool = False) -> str | None:
    """`Cache-Status` (RFC 9211) of an answer made of such parts; None when nothing was asked of anybody.

    A hit says for how long all of it is still fresh. Collapsed is an answer for which this request made no call, but
    waited for that of another one. Where the request wanted nothing kept (`is_fresh_wanted`) there are no hits: what
    stands in for a service that failed was forwarded because of the request.
    """
    if not parts:
        return None
    if not all(part.is_collapsed or part.state in HITS for part in parts):
        return "web-bff; fwd=miss"
    if any(part.is_collapsed for part in parts):
        return "web-bff; fwd=miss; collapsed"
    is_stale = any(part.state == SectionState.STALE for part in parts)
    is_near = all(part.is_near for part in parts)
    detail = "; detail=stale" if is_stale else "; detail=near" if is_near else ""
    if is_fresh_wanted:
        return f"web-bff; fwd=request{detail}"
    lives = [part.ttl_seconds for part in parts if part.ttl_seconds is not None]
    ttl = f"; ttl={math.floor(min(lives))}" if lives else ""
    return f"web-bff; hit{ttl}{detail}"


def _response(body: bytes, material: bytes, meta: ViewMeta | None, status: int) -> HttpResponse:
    response = OwnHeadersResponse(body, status=status, content_type=JSON_TYPE)
    if status != 200:
        return response
    digest = blake2b(material, digest_size=12)
    if meta is not None:
        digest.update(_lasting(meta))
    put(response.headers, ("ETag", f'W/"{digest.hexdigest()}"'))
    return response


def _lasting(meta: ViewMeta) -> bytes:
    """Returns the part of `meta` that changes the ETag: not ages, nor whether a whole answer was cached."""
    parts = [
        f"{name}={'' if section.state.is_complete else section.state.value},"
        f"{section.error},{section.omitted},{'+'.join(section.drifted)}"
        for name, section in meta.sections.items()
    ]
    return ";".join(parts).encode()
