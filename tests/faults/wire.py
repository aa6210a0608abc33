"""What the claims service of these tests says: the right answers, and every way of not giving them."""

import gzip
import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from tests.support.upstream import Asked, Script, Wire

#: Stands in whatever a faulty upstream says, and must reach nobody.
INNER_WORDS: Final = "inner-words-of-claims"
DRIP_SECONDS: Final = 0.02
CLAIMS: Final = 5


def claim(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A claim of m-1."""
    return {
        "id": f"clm-{number}",
        "claim_number": f"2026-{number:06}",
        "member_id": "m-1",
        "status": "submitted",
        "service_date": "2026-03-01",
        "total_amount": 150_000 * number,
        "approved_amount": None,
        "provider": {"id": "prov-1", "name": "RS Sehat", "location": "Bandung, Jawa Barat"},
        **changes,
    }


def right_answer(target: str) -> Any:
    """What the service should answer."""
    path = target.partition("?")[0]
    if path == "/claims":
        return {"items": [claim(number) for number in range(1, CLAIMS + 1)], "total": 17}
    if path == "/claims/summary":
        return {"total": 1, "by_status": [{"status": "paid", "count": 1, "total_amount": 150_000}]}
    return claim(int(path.rpartition("-")[2]))


def answer(
    body: bytes,
    *,
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
    content_type: str = "application/json",
) -> bytes:
    """An answer as it stands on the wire; `length` where it is not the body's."""
    head = {"Content-Type": content_type, "Content-Length": str(len(body) if length is None else length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**head, **(headers or {})}.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def well(wire: Wire, asked: Asked) -> None:
    """The right answer."""
    wire.send(answer(json.dumps(right_answer(asked.target)).encode()))


def says(body: bytes, **details: Any) -> Script:
    """Always this answer."""
    data = answer(body, **details)
    return lambda wire, _: wire.send(data)


def status(line: str, **headers: str) -> Script:
    """A problem with this status; `Retry_After="5"` for its header."""
    body = json.dumps({"title": line, "detail": f"{INNER_WORDS} at 10.0.0.7"}).encode()
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return says(body, status=line, headers={"X-Inner": INNER_WORDS, **more}, content_type="application/problem+json")


def sends(*pieces: bytes, then: Script) -> Script:
    """These bytes, and then something else."""

    def script(wire: Wire, asked: Asked) -> None:
        for piece in pieces:
            wire.send(piece)
        then(wire, asked)

    return script


def half(then: Script) -> Script:
    """The head and half the body, and then something else."""

    def script(wire: Wire, asked: Asked) -> None:
        data = answer(json.dumps(right_answer(asked.target)).encode())
        wire.send(data[: -(len(data) // 3)])
        then(wire, asked)

    return script


def drips(head_bytes: int) -> Script:
    """So many bytes at once, and then one at a time."""

    def script(wire: Wire, asked: Asked) -> None:
        data = answer(json.dumps(right_answer(asked.target)).encode())
        wire.send(data[:head_bytes])
        for number in range(head_bytes, len(data)):
            time.sleep(DRIP_SECONDS)
            wire.send(data[number : number + 1])

    return script


def bad_chunks(wire: Wire, _: Asked) -> None:
    """A chunk whose length is no number."""
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send(b'4\r\n{"it\r\nzz\r\n' + INNER_WORDS.encode() + b"\r\n0\r\n\r\n")
    wire.close()


def ends_idle(wire: Wire, asked: Asked) -> None:
    """The right answer, and the end of a connection that was promised to stay."""
    well(wire, asked)
    wire.close()


def spoils(spoil: Callable[[dict[str, Any]], None], *, items: int = CLAIMS) -> Script:
    """The right answer with so many of its claims (a claim alone too) spoiled."""

    def script(wire: Wire, asked: Asked) -> None:
        right = deepcopy(right_answer(asked.target))
        for each in right.get("items", [right])[:items]:
            spoil(each)
        wire.send(answer(json.dumps(right).encode()))

    return script


def texts(old: bytes, new: bytes) -> Script:
    """The right answer with these bytes in place of those."""

    def script(wire: Wire, asked: Asked) -> None:
        body = json.dumps(right_answer(asked.target)).encode()
        assert old in body
        wire.send(answer(body.replace(old, new)))

    return script


def with_spaces(count: int) -> bytes:
    """The right page with so many spaces behind it."""
    return json.dumps(right_answer("/claims")).encode() + b" " * count


BOMB: Final = gzip.compress(with_spaces(50_000_000), 9)
DEEP: Final = b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b', "total": 1}'
