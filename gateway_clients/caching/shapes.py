"""Shapes: digests of the types of kept values.

Two versions of the gateway never read each other's entries, since their names end in the shape.
"""

import hashlib
from functools import cache
from typing import Any, Final

import msgspec

#: Enough that two types of one representation do not share a digest by chance.
DIGEST_BYTES: Final = 6


@cache
def shape_of(*kinds: Any) -> str:
    """A digest in hex of these types: of every field's name, type, default and bounds, also of those within.

    The JSON schema that msgspec makes of a type is what is digested. Raises TypeError for a
    type that msgspec cannot encode.
    """
    schemas, components = msgspec.json.schema_components(kinds)
    definition = msgspec.json.encode((schemas, components), order="deterministic")
    return hashlib.blake2b(definition, digest_size=DIGEST_BYTES).hexdigest()
