"""`manage.py cache`: what is kept, found by whom it is about, and dropped after a count."""

from typing import Any

from django.contrib.admin.models import DELETION
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from gateway_clients.audit.staff import note_staff_look
from gateway_clients.caching.census import census_taker
from gateway_clients.caching.inspection import count_matching, entries_matching
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.console.cache_ratios import OUTCOMES, ratios
from gateway_clients.console.entry_search import ID, KINDS, subject_pattern
from gateway_clients.console.management.deeds import AnsweringCommand, as_json, record, staff_of
from gateway_clients.console.measurements import measure
from gateway_clients.console.models import CacheEntry
from gateway_clients.redis_access.circuit import CacheDownError


class Command(AnsweringCommand):
    """Shows how the cache does, finds entries, drops them."""

    help = "Shows the cache; find lists entries, drop drops them: cache drop --member m-1 --by … --reason … --yes"

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be asked for."""
        parser.add_argument("action", nargs="?", choices=["show", "find", "drop"], default="show")
        for kind in KINDS:
            parser.add_argument(f"--{kind}", default="", help=f"The id of a {kind}.")
        parser.add_argument("--pattern", default="")
        parser.add_argument("--place", default="", help="Where an earlier search went on.")
        parser.add_argument("--reason", default="")
        parser.add_argument("--by", default="", help="The e-mail of the staff who drops.")
        parser.add_argument("--yes", action="store_true", help="Drop; without it they are only counted.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError while Redis is down, and for what cannot be done."""
        try:
            told, lines = {"show": _shown, "find": _found, "drop": _dropped}[options["action"]](options)
        except CacheDownError:
            raise CommandError("Redis does not answer.") from None
        self.stdout.write(as_json(told) if options["json"] else "\n".join(lines))


def _pattern(options: dict[str, Any]) -> str:
    for kind in KINDS:
        if options[kind]:
            if not ID.fullmatch(options[kind]):
                raise CommandError(f"That is no id of a {kind}.")
            return subject_pattern(kind, options[kind])
    if not options["pattern"]:
        raise CommandError(f"Say whose: {', '.join(f'--{kind}' for kind in KINDS)} or --pattern.")
    return str(options["pattern"])


def _shown(_options: dict[str, Any]) -> tuple[Any, list[str]]:
    census = census_taker().census(default_cache().circuit)
    looks = [
        {"class": row.data_class, "looks": row.looks, **dict(zip(OUTCOMES, row.percents, strict=True))}
        for row in ratios(measure())
    ]
    lines = [f"{each.data_class:<14}{each.entries:>9} entries {each.size_bytes:>12} bytes" for each in census.classes]
    lines += [f"{row['class']:<14}{row['looks']:>9} looks   {row['hit']:>10.1f} % hits" for row in looks]
    return {"census": census, "looks": looks}, lines


def _found(options: dict[str, Any]) -> tuple[Any, list[str]]:
    listing = entries_matching(default_cache().circuit, _pattern(options), place=options["place"])
    entries = [
        {
            "key": each.key,
            "age_seconds": round(each.age_seconds, 1),
            "fresh_seconds": round(each.fresh_seconds, 1),
            "kept_seconds": round(each.kept_seconds, 1),
            "size_bytes": each.size_bytes,
        }
        for each in listing.entries
    ]
    lines = [f"{each['key']}  {each['age_seconds']} s old, fresh for {each['fresh_seconds']} s" for each in entries]
    if listing.next_place:
        lines.append(f"There may be more: --place {listing.next_place}")
    return {"entries": entries, "next_place": listing.next_place}, lines


def _dropped(options: dict[str, Any]) -> tuple[Any, list[str]]:
    pattern, circuit = _pattern(options), default_cache().circuit
    count, is_whole = count_matching(circuit, pattern)
    if not options["yes"]:
        words = "" if is_whole else "more than "
        return {"pattern": pattern, "matches": count, "dropped": 0}, [
            f"{words}{count} match {pattern}; --yes drops them."
        ]
    account, reason = staff_of(options["by"], "console.delete_cacheentry"), options["reason"].strip()
    if not reason or len(reason) > 300:
        raise CommandError("It takes a --reason of at most 300 letters.")
    note_staff_look("cache.drop", account_id=str(account.pk), sections=pattern, reason=reason)
    with transaction.atomic():
        record(account, CacheEntry, flag=DELETION, about=pattern, text=f"Dropped: {reason}")
        dropped = invalidations().purge_pattern(circuit, pattern)
    return {"pattern": pattern, "matches": count, "dropped": dropped}, [f"{dropped} dropped: {pattern}"]
