"""What keys are called, and which tags drop what is kept under them."""

import pytest

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass

MEMBER, PROVIDER, CLAIM = Subject.member("m-1"), Subject.provider("p-1"), Subject.claim("c-1")


@pytest.mark.parametrize(
    ("key", "name", "tags"),
    [
        (CacheKey(DataClass.CLAIMS, "list", MEMBER), "claims:member:m-1:list", ("member:m-1", "member:m-1:claims")),
        (
            CacheKey(DataClass.CLAIMS, "one", MEMBER, reader=PROVIDER, also_about=(CLAIM,)),
            "claims:member:m-1:for:provider:p-1:one",
            (
                "member:m-1",
                "member:m-1:claims",
                "provider:p-1",
                "provider:p-1:claims",
                "claim:c-1",
                "claim:c-1:claims",
            ),
        ),
        (
            CacheKey(DataClass.PROVIDER, "detail", PROVIDER),
            "provider:provider:p-1:detail",
            ("provider:p-1", "provider:p-1:provider", "provider:*:provider"),
        ),
        (
            CacheKey(DataClass.SUMMARY, "own", reader=PROVIDER),
            "summary:for:provider:p-1:own",
            ("provider:p-1", "provider:p-1:summary"),
        ),
        (CacheKey(DataClass.SUMMARY, "claims"), "summary:claims", ("summary",)),
    ],
    ids=lambda value: value.name if isinstance(value, CacheKey) else "",
)
def test_a_key_has_its_name_and_its_tags(key: CacheKey, name: str, tags: tuple[str, ...]) -> None:
    assert (key.name, str(key), repr(key), key.tags) == (name, name, f"CacheKey({name})", tags)


def test_name_and_tags_are_never_what_they_were_given_as() -> None:
    key = CacheKey(DataClass.CLAIMS, "list", MEMBER, name="claims:member:m-2:list", tags=())

    assert key == CacheKey(DataClass.CLAIMS, "list", MEMBER)


def test_personal_data_has_no_key_without_its_subject() -> None:
    with pytest.raises(ValueError, match="a key for claims needs its subject"):
        CacheKey(DataClass.CLAIMS, "list", reader=PROVIDER)


@pytest.mark.parametrize("text", ["", "a:b", "a/b", "m-1\n", "*", "a" * 65, "é"])
def test_what_is_no_id_is_no_subject(text: str) -> None:
    with pytest.raises(ValueError, match="not an id of a member"):
        Subject.member(text)
