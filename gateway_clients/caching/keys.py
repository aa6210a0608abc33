"""What a cache entry is called. A key for personal data cannot be made without its subject."""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from gateway_clients.conf import DataClass

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

#: Stands for an id in the tag of all that is cached about any provider, `provider:*:claims`; no id looks like this.
ANY: Final = "*"

#: What holds nobody's personal data, so that its keys need no subject.
SHARED: Final = frozenset({DataClass.PROVIDER, DataClass.SUMMARY})


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an entry is about; also the tag under which all that is cached about them can be dropped."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if not ID_PATTERN.match(self.id):
            raise ValueError(f"not an id of a {self.kind}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def member(cls, member_id: str) -> Self:
        """A member."""
        return cls("member", member_id)

    @classmethod
    def provider(cls, provider_id: str) -> Self:
        """A provider."""
        return cls("provider", provider_id)

    @classmethod
    def claim(cls, claim_id: str) -> Self:
        """A claim."""
        return cls("claim", claim_id)


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The name of one entry: data class, subject, reader's scope where it matters, representation.

    `str(key)` is `claims:member:m-1:list:limit=5`, with a reader `claims:member:m-1:for:provider:p-1:list:limit=5`.
    `tags` drop the entry: `member:m-1` (all about them), `member:m-1:claims` (that class of it), and the same of the
    reader and of whoever else it is about; where a provider is the subject `provider:*:claims` too. Raises ValueError
    when personal data has no subject.
    """

    data_class: DataClass
    representation: str
    subject: Subject | None = None
    reader: Subject | None = None
    also_about: tuple[Subject, ...] = ()
    name: str = field(init=False, compare=False, repr=False)
    tags: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.subject is None and self.data_class not in SHARED:
            raise ValueError(f"a key for {self.data_class} needs its subject")
        object.__setattr__(self, "name", self._name())
        object.__setattr__(self, "tags", self._tags())

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        """Whether many read it: nobody's personal data, and not for one reader alone."""
        return self.data_class in SHARED and self.reader is None

    def _name(self) -> str:
        parts = [str(self.data_class)]
        if self.subject is not None:
            parts.append(str(self.subject))
        if self.reader is not None:
            parts.append(f"for:{self.reader}")
        return ":".join((*parts, self.representation))

    def _tags(self) -> tuple[str, ...]:
        tags = []
        for subject in (self.subject, self.reader, *self.also_about):
            if subject is not None:
                tags += [str(subject), f"{subject}:{self.data_class}"]
        if self.subject is not None and self.subject.kind == "provider":
            tags.append(f"provider:{ANY}:{self.data_class}")
        return tuple(tags) or (str(self.data_class),)
