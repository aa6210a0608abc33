"""The cache keys of views and of their parts."""

from collections.abc import Sequence
from typing import Any

from gateway_clients.caching.keys import CacheKey
from gateway_clients.gateway.view_spec import Rendition, SectionSpec, ViewSpec
from gateway_clients.runtime.languages import Language, current_language


def view_keys(
    spec: ViewSpec, subject_id: str, asked: Sequence[SectionSpec[Any, Any]], rendition: Rendition | None
) -> tuple[CacheKey, ...]:
    """Returns the key of the asked part, if it has one, and the whole view's. A lone section is cached with its call.

    Sections hold amounts as the request's language writes them, so each language has keys of its own.
    """
    subject = spec.subject(subject_id)
    language = current_language.get()
    view = spec.name if language is Language.ENGLISH else f"{spec.name}@{language}"
    whole = CacheKey(spec.data_class, view, subject).shaped(spec.shape)
    is_part = 1 < len(asked) < len(spec.sections)
    if not (is_part or rendition):
        return (whole,)
    names = "+".join(section.name for section in asked)
    manner = f":{rendition.name}" if rendition else ""
    return CacheKey(spec.data_class, f"{view}:{names}{manner}", subject).shaped(spec.shape), whole
