"""Spoils answers: takes the right one and gives a wrong one that is still whole as far as HTTP goes."""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from sandbox.faults import Fault, FaultKind
from sandbox.messages import JSON, Answer, Row

PADDING_BYTES: Final = 50_000_000
BLOCK: Final = b" " * 1_000_000
REDIRECTED: Final = "/_sandbox/redirected"
OTHER: Final = "sandbox-other"
UNKNOWN: Final = "sandbox-unknown"
IDS: Final = frozenset({"id", "member_id", "code"})
HTML: Final = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
COOKIE: Final = (
    ("Set-Cookie", "sandbox_session=must-not-be-kept; Path=/"),
    ("Server", "internal-app/1.0"),
    ("X-Internal-Host", "node-7.internal"),
    ("X-Powered-By", "sandbox"),
)
NUMBERS: Final = re.compile(rb'("\w+":)-?\d+(?=[,}\]])')
TEXTS: Final = re.compile(rb'("(?!id"|\w+_id"|code")\w+":)"(?:[^"\\]|\\.)*"')


def spoiled(answer: Answer, fault: Fault, enum_names: frozenset[str]) -> Answer:
    """The answer as this fault makes it; as it is, where the fault does not touch answers."""
    if fault.kind in WHOLES:
        return WHOLES[fault.kind](answer)
    if fault.kind is FaultKind.FOREIGN:
        return _with_rows_changed(answer, msgspec.structs.replace(fault, item=fault.item or 0), _make_foreign)
    if fault.kind not in FIELDS:
        return answer
    change = FIELDS[fault.kind]

    def change_row(row: Row) -> None:
        names = enum_names if fault.kind is FaultKind.UNKNOWN_ENUM else frozenset(row) - IDS
        for name in row.keys() & (names if fault.field is None else {fault.field}):
            change(row, name)

    return _with_rows_changed(answer, fault, change_row)


def _gzip_bomb(answer: Answer) -> Answer:
    press = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    pieces = [press.compress(answer.body)]
    pieces += [press.compress(BLOCK) for _ in range(PADDING_BYTES // len(BLOCK))]
    pieces.append(press.flush())
    return replace(answer, body=b"".join(pieces), headers=(*answer.headers, ("Content-Encoding", "gzip")))


def _rename(row: Row, name: str) -> None:
    row[f"{name}_v2"] = row.pop(name)


def _make_foreign(row: Row) -> None:
    owners = row.keys() & {"member_id", "provider_id"}
    for name in owners or row.keys() & {"id", "claim_id"}:
        if row[name] is not None:
            row[name] = OTHER
    if isinstance(row.get("provider"), dict):
        row["provider"]["id"] = OTHER


def _with_rows_changed(answer: Answer, fault: Fault, change: Callable[[Row], None]) -> Answer:
    """The answer with its object changed, or the asked items of its list (all, where none is asked for).

    A field of the list's own object (`total`) is changed there.
    """
    if answer.content_type != JSON or not answer.body:
        return answer
    document = msgspec.json.decode(answer.body)
    if isinstance(document.get("items"), list) and "id" not in document and fault.field not in document:
        rows = [row for index, row in enumerate(document["items"]) if fault.item in (None, index)]
    else:
        rows = [document]
    for row in rows:
        change(row)
    return replace(answer, body=msgspec.json.encode(document))


#: What becomes of a whole answer.
WHOLES: Final[Mapping[FaultKind, Callable[[Answer], Answer]]] = {
    FaultKind.GARBAGE: lambda _: Answer(200, HTML, "text/html; charset=utf-8"),
    FaultKind.EMPTY: lambda _: Answer(200, b"", JSON),
    FaultKind.NOT_JSON: lambda right: replace(
        right, body=right.body[: len(right.body) // 2] or b"{", content_type=JSON
    ),
    FaultKind.NAN: lambda right: replace(right, body=NUMBERS.sub(rb"\g<1>NaN", right.body)),
    FaultKind.BIG_NUMBER: lambda right: replace(right, body=NUMBERS.sub(rb"\g<1>" + b"9" * 5000, right.body)),
    FaultKind.SURROGATE: lambda right: replace(right, body=TEXTS.sub(rb'\1"\\ud800"', right.body)),
    FaultKind.DEEP: lambda _: Answer(200, b'{"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON),
    FaultKind.HUGE: lambda right: replace(right, padding_bytes=PADDING_BYTES),
    FaultKind.GZIP_BOMB: _gzip_bomb,
    FaultKind.REDIRECT: lambda _: Answer(302, b"", None, (("Location", REDIRECTED),)),
    FaultKind.SET_COOKIE: lambda right: replace(right, headers=(*right.headers, *COOKIE)),
}
#: What becomes of one field of an object.
FIELDS: Final[Mapping[FaultKind, Callable[[Row, str], object]]] = {
    FaultKind.MISSING: lambda row, name: row.pop(name),
    FaultKind.NULL: lambda row, name: row.update({name: None}),
    FaultKind.RENAMED: _rename,
    FaultKind.WRONG_TYPE: lambda row, name: row.update({name: {"is": 1} if isinstance(row[name], str) else "seven"}),
    FaultKind.UNKNOWN_ENUM: lambda row, name: row.update({name: UNKNOWN}),
}
