"""Keys of cache entries. A key for personal data cannot be made without its subject."""

import copy
import re
from typing import Final, Self

import msgspec
from msgspec.structs import force_setattr

from gateway_clients.conf import DataClass

#: The pattern of an id, in addresses and in keys.
ID_RULE: Final = "[A-Za-z0-9_-]{1,64}"
#: The same in words.
ID_LETTERS: Final = "1 to 64 letters, digits, _ or -"
ID_PATTERN: Final = re.compile(rf"{ID_RULE}\Z")

#: Stands for an id in the tag of all that is cached about any provider, `provider:*:claims`; no id looks like this.
ANY: Final = "*"
ANY_PROVIDER: Final = f"provider:{ANY}"

#: What holds nobody's personal data, so that its keys need no subject.
SHARED: Final = frozenset({DataClass.PROVIDER, DataClass.SUMMARY})


class Subject(msgspec.Struct, frozen=True):
    """Whom an entry is about; also the tag that drops all entries about them."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        """Raises ValueError for what is no id."""
        if not ID_PATTERN.match(self.id):
            raise ValueError(f"not an id of a {self.kind}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def member(cls, member_id: str) -> Self:
        """Returns the member with this id."""
        return cls("member", member_id)

    @classmethod
    def provider(cls, provider_id: str) -> Self:
        """Returns the provider with this id."""
        return cls("provider", provider_id)

    @classmethod
    def claim(cls, claim_id: str) -> Self:
        """Returns the claim with this id."""
        return cls("claim", claim_id)


class CacheKey(msgspec.Struct, frozen=True):
    """The name of one entry: data class, subject, reader's scope where it matters, representation.

    `str(key)` is `claims:member:m-1:list:limit=5`, with a reader `claims:member:m-1:for:provider:p-1:list:limit=5`;
    `key.shaped(…)` ends in `~` and the shape of what is kept.
    `tags` drop the entry: `member:m-1` (all about them), `member:m-1:claims` (that class of it), and the same of the
    reader and of whoever else it is about; where a provider is the subject `provider:*:claims` too. Raises ValueError
    when personal data has no subject.
    """

    data_class: DataClass
    representation: str
    subject: Subject | None = None
    reader: Subject | None = None
    also_about: tuple[Subject, ...] = ()
    name: str = ""
    tags: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Makes `name`, `tags` and `versions` of the others, whatever they were given as.

        `versions`: the home and field of each version that an entry carries, those of its tags among them.
        """
        kind, subject, reader = self.data_class, self.subject, self.reader
        name = str(kind)
        about: tuple[str, ...] = ()
        if subject is not None:
            whole = f"{subject.kind}:{subject.id}"
            name, about = f"{name}:{whole}", (whole,)
        elif kind not in SHARED:
            raise ValueError(f"a key for {kind} needs its subject")
        if reader is not None:
            whole = f"{reader.kind}:{reader.id}"
            name, about = f"{name}:for:{whole}", (*about, whole)
        if self.also_about:
            about += tuple([f"{other.kind}:{other.id}" for other in self.also_about])
        tags = [tag for whole in about for tag in (whole, f"{whole}:{kind}")]
        versions = [version for whole in about for version in ((whole, ""), (whole, str(kind)))]
        if subject is not None and subject.kind == "provider":
            tags.append(f"{ANY_PROVIDER}:{kind}")
            versions += [(ANY_PROVIDER, ""), (ANY_PROVIDER, str(kind))]
        force_setattr(self, "name", f"{name}:{self.representation}")
        force_setattr(self, "tags", tuple(tags) or (str(kind),))
        force_setattr(self, "versions", tuple(versions) or ((str(kind), ""),))

    def shaped(self, shape: str) -> Self:
        """Returns this key for values of one shape alone (`shapes.shape_of`); each shape has a name of its own."""
        shaped = copy.copy(self)
        force_setattr(shaped, "name", f"{self.name}~{shape}")
        return shaped

    def __repr__(self) -> str:
        return f"CacheKey({self.name})"

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        """Whether the data are nobody's personal data and not made for one reader alone."""
        return self.data_class in SHARED and self.reader is None


def version_of(tag: str) -> tuple[str, str]:
    """Returns the hash and field of a tag's version: `member:m-1` and `claims` for `member:m-1:claims`."""
    kind, *rest = tag.split(":", 2)
    return ":".join((kind, *rest[:1])), rest[1] if len(rest) > 1 else ""
