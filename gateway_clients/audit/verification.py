"""Looks through the audit trail for rows that were removed, changed, moved or cut off the end."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef

from gateway_clients.audit.chain import (
    AuditKey,
    audit_keys,
    dropped_seal_of,
    genesis_of,
    mac_of,
    microseconds,
    seal_of,
)
from gateway_clients.audit.entries import AuditRow
from gateway_clients.models import AuditChain, AuditEntry

BATCH: Final = 5000
COLUMNS: Final = (
    "number", "at", "account_id", "role", "member_id", "action", "sections", "origins", "outcome", "count",
    "request_id", "reason", "key_id", "mac",
)  # fmt: skip
HEAD_EVENT: Final = "audit.head"
#: Where a line names its event, and what stands before its other names: in our own format, and in Elastic's schema.
HEAD_NAMES: Final = (("event", ""), ("message", "gateway."))

Keys = Mapping[str, AuditKey]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a chain; `number` is the row's, None where it is about the chain as a whole."""

    chain: str
    number: int | None
    trouble: str

    def __str__(self) -> str:
        place = "" if self.number is None else f", row {self.number}"
        return f"Chain {self.chain}{place}: {self.trouble}"


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain had got when it told the log."""

    chain: str
    length: int
    mac: str


@dataclass(slots=True)
class Report:
    """How much was looked at, and what was found."""

    chains: int
    rows: int
    findings: list[Finding]


def verify(heads: Iterable[Head] = ()) -> Report:
    """Looks at every chain, and at whether each still has what it told the log."""
    keys = {key.id: key for key in audit_keys()}
    report = Report(chains=0, rows=0, findings=[])
    told: dict[str, dict[int, str]] = {}
    for head in heads:
        told.setdefault(head.chain, {})[head.length] = head.mac
    chains = list(AuditChain.objects.order_by("pk"))
    names = {chain.name for chain in chains}
    for chain in chains:
        report.chains += 1
        report.findings += _chain_findings(chain, names, keys)
        report.rows += _look_through(chain, keys, told.pop(chain.name, {}), report.findings)
    for chain_id, rows in _rows_without_chain():
        report.findings.append(Finding(f"#{chain_id}", None, f"it is not there, and {rows} rows are said to be of it."))
        report.rows += rows
    report.findings += [Finding(name, None, "it is in the log, and gone from the database.") for name in sorted(told)]
    return report


def heads_in(lines: Iterable[str]) -> Iterator[Head]:
    """The heads among the lines of a log, in either `LOG_FORMAT`; other lines are passed over."""
    for line in lines:
        if HEAD_EVENT not in line:
            continue
        with suppress(ValueError, KeyError):
            told = json.loads(line[line.index("{") :])
            for event, prefix in HEAD_NAMES:
                if told.get(event) == HEAD_EVENT:
                    yield Head(*(told[f"{prefix}{name}"] for name in ("chain", "length", "mac")))


def _chain_findings(chain: AuditChain, names: set[str], keys: Keys) -> Iterator[Finding]:
    if chain.key_id not in keys:
        yield Finding(chain.name, None, f"it is sealed with the key {chain.key_id}, which AUDIT_KEYS does not have.")
    elif seal_of(keys[chain.key_id], chain) != bytes(chain.seal):
        yield Finding(chain.name, None, "its length or what else it says of itself was changed.")
    if not any(dropped_seal_of(key, chain) == bytes(chain.dropped_seal) for key in keys.values()):
        yield Finding(chain.name, None, "what it says of its rows that are past their retention was changed.")
    if chain.predecessor and chain.predecessor not in names:
        yield Finding(chain.predecessor, None, f"it was begun before {chain.name}, and is gone.")
    if not any(genesis_of(each, chain.name, chain.predecessor) == bytes(chain.genesis) for each in keys.values()):
        yield Finding(chain.name, None, "its beginning was changed.")


def _look_through(chain: AuditChain, keys: Keys, told: dict[int, str], findings: list[Finding]) -> int:
    """Adds what is found; how many rows there were."""
    early = _numbers_before(chain)
    findings += [Finding(chain.name, each, "it stands before the beginning of the chain.") for each in early]
    count, number, mac = len(early), chain.dropped_length, bytes(chain.dropped_mac)
    if number == 0 and mac != bytes(chain.genesis):
        findings.append(Finding(chain.name, None, "its beginning was changed."))
    for values in _rows(chain):
        count += 1
        number_found, stored = values[0], bytes(values[-1])
        if number_found == number:
            findings.append(Finding(chain.name, number, "it is there more than once."))
        elif number_found != number + 1:
            findings.append(Finding(chain.name, number + 1, _missing(number + 1, number_found - 1)))
        elif _mac(keys.get(values[-2]), mac, chain.name, values) != stored:
            findings.append(Finding(chain.name, number_found, "it was changed, moved, or does not belong here."))
        number, mac = number_found, stored
        if told.get(number, mac.hex()) != mac.hex():
            findings.append(Finding(chain.name, number, "it is another than the log was told of."))
        if number == chain.length and mac != bytes(chain.mac):
            findings.append(Finding(chain.name, number, "it is another than the chain ends with."))
    newest = AuditChain.objects.get(pk=chain.pk)
    if number < chain.length:
        findings.append(Finding(chain.name, number + 1, _missing(number + 1, chain.length)))
    elif number > newest.length:
        findings.append(Finding(chain.name, newest.length + 1, "it stands behind the end of the chain."))
    longest = max(told, default=0)
    if longest > max(newest.length, number):
        findings.append(Finding(chain.name, newest.length + 1, f"the log was told of {longest} rows: the tail is cut."))
    return count


def _rows_without_chain() -> list[tuple[int, int]]:
    """The ids that rows have for a chain of which there is none, and how many rows."""
    has_chain = Exists(AuditChain.objects.filter(pk=OuterRef("chain_id")))
    found = AuditEntry.objects.filter(~has_chain).values_list("chain_id").annotate(rows=Count("pk"))
    return list(found.order_by("chain_id"))


def _numbers_before(chain: AuditChain) -> list[int]:
    """The numbers of rows where the chain has none, or none any more."""
    early = AuditEntry.objects.filter(chain_id=chain.pk, number__lte=chain.dropped_length)
    return list(early.order_by("number", "pk").values_list("number", flat=True))


def _rows(chain: AuditChain) -> Iterator[tuple[Any, ...]]:
    """The rows behind those that are gone. The last number of a batch is asked for by itself: it may be there twice."""
    last = chain.dropped_length
    entries = AuditEntry.objects.filter(chain_id=chain.pk).order_by("number", "at").values_list(*COLUMNS)
    while batch := list(entries.filter(number__gt=last)[:BATCH]):
        last = batch[-1][0]
        yield from (values for values in batch if values[0] != last)
        yield from entries.filter(number=last)


def _mac(key: AuditKey | None, previous: bytes, name: str, values: tuple[Any, ...]) -> bytes | None:
    if key is None:
        return None
    number, at, account_id, role, member_id, action, sections, origins, outcome, count, request_id, reason = values[:12]
    row = AuditRow(
        at=microseconds(at), account_id=account_id, role=role, member_id=member_id, action=action, sections=sections,
        origins=origins, outcome=outcome, count=count, request_id=request_id, reason=reason,
    )  # fmt: skip
    return mac_of(key, previous, name, number, row)


def _missing(first: int, last: int) -> str:
    return "it is missing." if first == last else f"it and the rows up to {last} are missing."
