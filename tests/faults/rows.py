"""The rows of "Upstream faults": what the claims service does, and what a portal is told then."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.faults import wire
from tests.faults.wire import INNER_WORDS
from tests.support.upstream import RawUpstream, Script, closes, hangs, resets

TIMEOUT: Final = (504, "upstream_timeout")
GONE: Final = (503, "upstream_unavailable")
BAD: Final = (502, "upstream_bad_answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault; the status and code of a view that needs the claims, which is also their section's code."""

    name: str
    break_: Callable[[RawUpstream], None]
    told: tuple[int, str]


def _row(name: str, told: tuple[int, str], script: Script) -> Row:
    def break_(upstream: RawUpstream) -> None:
        upstream.say(script)

    return Row(name=name, break_=break_, told=told)


def _without(field: str) -> Script:
    return wire.spoils(lambda claim: claim.pop(field))


def _with(**changes: object) -> Script:
    return wire.spoils(lambda claim: claim.update(changes))


def _renamed(claim: dict[str, object]) -> None:
    claim["claimNumber"] = claim.pop("claim_number")


#: Faults that say something of the upstream: its breaker counts them.
COUNTED: Final = (
    Row(name="refuses connections", break_=RawUpstream.refuse, told=GONE),
    Row(name="is a black hole", break_=RawUpstream.swallow, told=TIMEOUT),
    _row("closes without an answer", GONE, closes),
    _row("never answers", TIMEOUT, hangs),
    _row("hangs in the header", TIMEOUT, wire.sends(b"HTTP/1.1 200 OK\r\nContent-Ty", then=hangs)),
    _row("hangs in the body", TIMEOUT, wire.half(hangs)),
    _row("drips its header", TIMEOUT, wire.drips(0)),
    _row("drips its body", TIMEOUT, wire.drips(120)),
    _row("resets", GONE, resets),
    _row("resets in the body", GONE, wire.half(resets)),
    _row("truncates", GONE, wire.half(closes)),
    _row("sends bad chunks", BAD, wire.bad_chunks),
    _row("does not speak HTTP", BAD, wire.sends(f"+OK {INNER_WORDS}\r\n\r\n".encode(), then=closes)),
    _row("answers 500", GONE, wire.status("500 Internal Server Error")),
    _row("answers 503", GONE, wire.status("503 Service Unavailable", Retry_After="1")),
    _row("answers 503 for ever", GONE, wire.status("503 Service Unavailable", Retry_After="99999999999999999999")),
    _row(
        "answers HTML",
        BAD,
        wire.says(f"<html><h1>{INNER_WORDS}</h1></html>".encode(), content_type="text/html"),
    ),
    _row("answers nothing", BAD, wire.says(b"")),
    _row("answers half a JSON", BAD, wire.says(b'{"items": [{"id": "clm-1", "claim_number": "' + INNER_WORDS.encode())),
    _row("answers a JSON that is no object", BAD, wire.says(json.dumps([INNER_WORDS]).encode())),
    _row("answers null", BAD, wire.says(b"null")),
    _row("answers NaN", BAD, wire.texts(b'"total_amount": ', b'"total_amount": NaN, "other": ')),
    _row("answers 5000 digits", BAD, wire.texts(b'"total_amount": ', b'"total_amount": ' + b"9" * 5000)),
    _row("answers lone surrogates", BAD, wire.texts(b'"claim_number": "', b'"claim_number": "\\ud800')),
    _row("answers bytes that are no UTF-8", BAD, wire.texts(b'"claim_number": "', b'"claim_number": "\xff')),
    _row("answers 100,000 levels", BAD, wire.says(wire.DEEP)),
    _row("answers 50 MB", BAD, wire.says(wire.with_spaces(50_000_000))),
    _row("answers a gzip bomb", BAD, wire.says(wire.BOMB, headers={"Content-Encoding": "gzip"})),
    _row("answers broken gzip", BAD, wire.says(wire.BOMB[:-9] + b"x" * 9, headers={"Content-Encoding": "gzip"})),
    _row("answers an encoding nobody knows", BAD, wire.says(b"{}", headers={"Content-Encoding": "snappy"})),
    _row("has a header without end", BAD, wire.says(b"{}", headers={"X-Inner": "x" * 200_000})),
    _row("leaves a field out", BAD, _without("claim_number")),
    _row("has a null where none may be", BAD, _with(claim_number=None)),
    _row("renames a field", BAD, wire.spoils(_renamed)),
    _row("has another type", BAD, _with(total_amount=INNER_WORDS)),
    _row("answers about somebody else", BAD, _with(member_id="m-2", id="clm-9", claim_number=INNER_WORDS)),
    _row("redirects", BAD, wire.status("302 Found", Location=f"http://127.0.0.1:1/{INNER_WORDS}")),
)

#: Answers to the request: its breaker does not count them.
UNCOUNTED: Final = (
    _row("refuses the gateway's credential", BAD, wire.status("401 Unauthorized", WWW_Authenticate=INNER_WORDS)),
    _row("forbids", BAD, wire.status("403 Forbidden")),
    _row("answers another 4xx", BAD, wire.status("418 I'm a teapot")),
)

#: What a 429 may ask for, and the seconds a portal is told at most and at least.
PAUSES: Final = {
    "none": (None, 1, 1),
    "a second": ("1", 1, 1),
    "half a minute": ("30", 29, 30),
    "for ever": ("99999999999999999999", 59, 60),
    "until the year 9999": ("Fri, 31 Dec 9999 23:59:59 GMT", 59, 60),
    "until yesterday": ("Mon, 01 Jan 2001 00:00:00 GMT", 1, 1),
    "less than nothing": ("-5", 1, 1),
    "words": (INNER_WORDS, 1, 1),
    "digits of another script": ("\u0663", 1, 1),
}
