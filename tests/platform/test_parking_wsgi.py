"""What the gate of server threads is told of each answer."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from bff_project.processes.parking_wsgi import ParkingApplication
from members import hashers, hashing

# Django looks after its database connections when an answer is closed.
pytestmark = pytest.mark.django_db


class HeardGate:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def begin(self) -> None:
        self.heard.append("begin")

    def end(self, *, may_park: bool) -> None:
        self.heard.append(f"end, {'may rest' if may_park else 'must not rest'}")

    def blocked(self) -> AbstractContextManager[None]:
        @contextmanager
        def away() -> Iterator[None]:
            self.heard.append("away")
            yield
            self.heard.append("back")

        return away()


def heard_of(response: HttpResponseBase) -> tuple[bytes, list[str]]:
    """What is sent, and what the gate hears."""
    crew = HeardGate()
    answer = ParkingApplication(lambda environ, start_response: response, crew)({}, None)
    body = b"".join(answer)
    answer.close()
    return body, crew.heard


def test_a_thread_may_rest_behind_an_answer_of_known_length() -> None:
    response = HttpResponse(b"text", headers={"Content-Length": "4"})

    assert heard_of(response) == (b"text", ["begin", "end, may rest"])
    assert response.closed


@pytest.mark.parametrize("status", [204, 304])
def test_a_thread_must_not_rest_where_its_return_is_the_end_of_the_answer(status: int) -> None:
    assert heard_of(HttpResponse(status=status)) == (b"", ["begin", "end, must not rest"])


def test_a_thread_is_away_while_it_streams() -> None:
    response = StreamingHttpResponse(iter([b"a", b"b"]), headers={"Content-Length": "2"})

    assert heard_of(response) == (b"ab", ["begin", "away", "back", "end, must not rest"])


def test_an_answer_that_cannot_be_closed_ends_too() -> None:
    class Broken(HttpResponse):
        def close(self) -> None:
            raise OSError("broken")

    crew = HeardGate()
    answer = ParkingApplication(lambda environ, start_response: Broken(), crew)({}, None)
    with pytest.raises(OSError, match="broken"):
        answer.close()

    assert crew.heard == ["begin", "end, must not rest"]


def test_a_thread_is_away_while_a_password_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = HeardGate()
    monkeypatch.setattr(hashing, "thread_gate", lambda: crew)
    hasher = hashers.AccountPasswordHasher()

    assert hasher.verify("secret", hasher.encode("secret", hasher.salt()))
    assert crew.heard == ["away", "back"] * 2


@pytest.mark.parametrize(
    ("environ", "are_lost"),
    [
        ({}, False),
        ({"HTTP_COOKIE": "sessionid=x; csrftoken=y"}, False),
        ({"HTTP_COOKIE": ""}, True),
        ({"HTTP_COOKIE": ";c=d"}, True),
        ({"HTTP_COOKIE": "c=d;"}, True),
    ],
)
def test_cookies_that_the_server_has_emptied_are_known_as_lost(environ: dict[str, str], are_lost: bool) -> None:
    seen: dict[str, object] = {}
    ParkingApplication(lambda given, start_response: seen.update(given) or HttpResponse(), HeardGate())(environ, None)

    assert seen.get("gateway.cookies_lost", False) is are_lost
