"""Parts of the files that whitenoise serves."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db
PAGE = "/static/gateway/icon.svg"


@pytest.fixture
def whole() -> bytes:
    path = finders.find("gateway/icon.svg")
    assert isinstance(path, str)
    with open(path, "rb") as file:  # noqa: PTH123 - Django's finder says a path as text
        return file.read()


def ask(portal: Client, asked: str) -> tuple[int, str, bytes]:
    """The status, the part that it is said to be, and the bytes."""
    answer = portal.get(PAGE, headers={"Range": asked})
    body = b"".join(answer)
    answer.close()
    assert answer.headers.get("Content-Length", str(len(body))) == str(len(body))
    return answer.status_code, answer.headers.get("Content-Range", ""), body


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-0", 0, 0),
        ("5-5", 5, 5),
        ("0-9", 0, 9),
        ("3-", 3, None),
        ("-1", -1, None),
        ("-7", -7, None),
        ("0-99999999", 0, None),
    ],
)
def test_a_part_is_sent_also_of_one_byte(asked: str, first: int, last: int | None, portal, whole) -> None:
    begin, end = first % len(whole), len(whole) - 1 if last is None else last

    assert ask(portal, f"bytes={asked}") == (206, f"bytes {begin}-{end}/{len(whole)}", whole[begin : end + 1])


def test_the_last_byte_is_a_part(portal, whole) -> None:
    end = len(whole) - 1

    assert ask(portal, f"bytes={end}-{end}") == (206, f"bytes {end}-{end}/{len(whole)}", whole[end:])


@pytest.mark.parametrize("asked", ["99999999-", "99999999-99999999", "-0"])
def test_what_the_file_does_not_have_is_416(asked: str, portal, whole) -> None:
    assert ask(portal, f"bytes={asked}") == (416, f"bytes */{len(whole)}", b"")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "bytes=0-0,2-2", "bytes=+0-0", "bytes=0_0-0", "lines=0-0"])
def test_what_is_no_range_is_the_whole_file(asked: str, portal, whole) -> None:
    assert ask(portal, asked) == (200, "", whole)


def test_a_head_says_what_a_part_would_be(portal, whole) -> None:
    answer = portal.head(PAGE, headers={"Range": "bytes=0-0"})

    assert (answer.status_code, answer["Content-Range"], answer["Content-Length"]) == (
        206,
        f"bytes 0-0/{len(whole)}",
        "1",
    )
