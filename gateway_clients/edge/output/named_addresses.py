"""An address by its name, without `reverse`.

Django builds tables of all addresses at the first `reverse` in a language, and each thread that asks before they are
there builds them, too: with 150 threads that answer their first problem at once 19 MB and seconds of the processor.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver, get_script_prefix

#: What stands in a route for an argument (Django's `path`).
ARGUMENT: Final = re.compile(r"<[^>]+>")


def address_of(name: str, argument: str, urlconf: str) -> str | None:
    """The address that is named `namespace:name`, with this text for its arguments; None where there is none."""
    namespace, _, own_name = name.rpartition(":")
    for route in _routes(get_resolver(urlconf).url_patterns, namespace, own_name):
        return get_script_prefix() + ARGUMENT.sub(lambda _: argument, route)
    return None


def _routes(patterns: Sequence[URLPattern | URLResolver], namespace: str, name: str) -> Iterator[str]:
    """The routes of this name, the first first; `namespace` is what has not been entered yet."""
    for each in patterns:
        if isinstance(each, URLPattern):
            if each.name == name and not namespace:
                yield str(each.pattern)
        elif each.namespace in {None, namespace}:
            inner = _routes(each.url_patterns, namespace if each.namespace is None else "", name)
            yield from (f"{each.pattern}{route}" for route in inner)
