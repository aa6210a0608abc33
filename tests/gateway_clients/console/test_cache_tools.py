"""Finding by subject, paging, ratios, memory, one value after a reason, and the same from the shell."""

import json
import time
from io import StringIO
from typing import Any

import msgspec
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.inspection import count_matching, entries_matching
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.purge import purge_pattern
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.revelation import masked
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.fleet.pulse import pulse
from gateway_clients.gateway.kept_sections import packed
from gateway_clients.models import AuditEntry
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section
from members.models import Account
from tests.gateway_clients.console import scene
from tests.gateway_clients.console.conftest import PASSWORD
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/cacheentry/"
KEY = "claims:member:m-1:list:limit=20"
REVEAL = f"{PAGE}reveal/"
#: No command may keep Redis from others for longer.
BLOCKED_MICROSECONDS = 10_000


def run(*words: Any) -> str:
    output = StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


def keys(client: Client, **query: str) -> list[str]:
    return [entry.key for entry, _ in client.get(PAGE, query).context["entries"]]


def test_a_members_entries_are_found_and_nobody_elses(staff: Client) -> None:
    scene.play_entries()
    reader = CacheKey(DataClass.CLAIMS, "list", Subject.provider("p-1"), Subject.member("m-1"))
    default_cache().set(reader, 1)

    assert keys(staff, by="member", text="m-1") == sorted(
        [*(f"{kind}:member:m-1:list:limit=20" for kind in ("benefits", "claims", "member")), str(reader)]
    )
    assert keys(staff, by="provider", text="p-1") == [str(reader)]
    (entry, _), *_ = staff.get(PAGE, {"by": "provider", "text": "p-1"}).context["entries"]
    assert entry.tags == ["provider:p-1", "member:m-1"]


def test_what_is_no_id_is_not_looked_for(staff: Client) -> None:
    answer = staff.get(PAGE, {"by": "member", "text": "m-1*"})
    assert answer.context["listing"] is None
    assert "That is no id of a member." in text_of(answer)


def test_pages_follow_one_another_until_all_was_seen(staff: Client) -> None:
    scene.play_entries(10)
    circuit, seen, place = default_cache().circuit, [], ""
    for _ in range(20):
        listing = entries_matching(circuit, "*", most=7, place=place)
        assert len(listing.entries) <= 7
        seen += [entry.key for entry in listing.entries]
        place = listing.next_place
        if not place:
            break
    assert (len(seen), len(set(seen))) == (30, 30)
    assert count_matching(circuit, "claims:*") == (10, True)


def test_ratios_and_memory_are_shown_by_class(staff: Client) -> None:
    scene.play_entries(4)
    pulse().beat()
    answer = staff.get(PAGE)
    assert {each.data_class: each.entries for each in answer.context["census"].classes} == {
        "claims": 4,
        "benefits": 4,
        "member": 4,
    }
    claims = next(row for row in answer.context["ratios"] if row.data_class == "claims")
    assert (claims.looks, claims.percents) == (4, [0.0, 0.0, 0.0, 0.0, 100.0])
    default_cache().get(CacheKey(DataClass.CLAIMS, "list:limit=20", Subject.member("m-1")), dict)
    pulse().beat()
    claims = next(row for row in staff.get(PAGE).context["ratios"] if row.data_class == "claims")
    assert (claims.looks, claims.hit_percent) == (5, 20.0)


def test_a_drop_says_first_how_many(staff: Client) -> None:
    scene.play_entries(3)
    text = text_of(staff.get(f"{PAGE}drop/", {"pattern": "*:member:m-1:*"}))
    assert "3 entries match." in text
    staff.post(f"{PAGE}drop/", {"pattern": "*:member:m-1:*", "reason": "member asked"})
    assert keys(staff, by="member", text="m-1") == []
    assert len(keys(staff, by="pattern", text="*")) == 6
    row = AuditEntry.objects.latest("pk")
    assert (row.action, row.sections, row.reason) == ("cache.drop", "*:member:m-1:*", "member asked")


def test_a_value_is_shown_masked_after_a_reason_and_that_is_audited(staff: Client, boss: Account) -> None:
    scene.play_entries()
    assert "Siti" not in staff.get(REVEAL, {"key": KEY}).content.decode()
    assert not AuditEntry.objects.exists()

    page = staff.post(REVEAL, {"key": KEY, "reason": "ticket 7"}).content.decode()
    assert "Siti" not in page
    assert "&quot;amount&quot;: &quot;number&quot;" in page
    row = AuditEntry.objects.get()
    assert (row.action, row.account_id, row.member_id, row.sections, row.origins, row.reason) == (
        "console.reveal_masked",
        str(boss.pk),
        "m-1",
        "claims",
        "cache",
        "ticket 7",
    )
    assert LogEntry.objects.get().change_message == "Value shown masked: ticket 7"


def test_the_values_are_shown_where_they_are_asked_for(staff: Client) -> None:
    scene.play_entries()
    page = staff.post(REVEAL, {"key": KEY, "reason": "ticket 7", "is_clear": "on"})
    assert "Siti Rahayu" in page.content.decode()
    assert page.headers["Cache-Control"] == "private, no-store" or "no-store" in page.headers["Cache-Control"]
    assert AuditEntry.objects.get().action == "console.reveal"


@pytest.mark.parametrize(
    "entry",
    [None, b"no entry at all", b"0 0 0 0\nsealed with a key that nobody has"],
    ids=["gone", "foreign", "sealed"],
)
def test_a_value_that_nobody_can_read_is_no_look_at_anybody(staff: Client, entry: bytes | None) -> None:
    if entry is not None:
        default_cache().circuit.run(lambda redis: redis.set(entry_name(KEY), entry))
    page = staff.post(REVEAL, {"key": KEY, "reason": "ticket 7", "is_clear": "on"})

    assert "The entry has gone, or nobody can read it." in text_of(page)
    assert page.status_code == 200
    assert not AuditEntry.objects.exists()
    assert not LogEntry.objects.exists()


def test_with_redis_down_no_value_is_shown(staff: Client, redis_down: None) -> None:
    page = staff.post(REVEAL, {"key": KEY, "reason": "ticket 7"})

    assert "Redis does not answer." in text_of(page)
    assert not AuditEntry.objects.exists()


def test_a_list_of_a_providers_is_a_look_at_each_member_in_it(staff: Client) -> None:
    key = CacheKey(DataClass.CLAIMS, "list:limit=20", Subject.provider("p-1"))
    claims = [{"id": f"c-{number}", "member_id": f"m-{number % 2}", "items": []} for number in range(3)]
    default_cache().set(key, {"items": claims, "total": 3})

    staff.post(REVEAL, {"key": str(key), "reason": "ticket 7", "is_clear": "on"})

    assert [(row.action, row.member_id) for row in AuditEntry.objects.order_by("pk")] == [
        ("console.reveal", "m-0"),
        ("console.reveal", "m-1"),
    ]


def test_a_kept_view_is_shown_by_its_sections_and_is_a_look_at_each_member_in_it(staff: Client) -> None:
    key = CacheKey(DataClass.DASHBOARD, "provider_dashboard", Subject.provider("p-1"))
    claims = msgspec.Raw(b'[{"member_id":"m-3","amount":1}]')
    sections = {
        "recent_claims": Section(claims, SectionState.FRESH, members=("m-3",)),
        "notifications": Section(msgspec.Raw(b"[]"), SectionState.FRESH, members=()),
    }
    default_cache().set(key, msgspec.msgpack.decode(packed(sections).body))

    page = staff.post(REVEAL, {"key": str(key), "reason": "ticket 7", "is_clear": "on"}).content.decode()

    assert "&quot;recent_claims&quot;: [" in page
    assert "&quot;amount&quot;: 1" in page
    assert [row.member_id for row in AuditEntry.objects.all()] == ["m-3"]


@pytest.mark.parametrize("data", [{"key": KEY}, {"key": KEY, "reason": " "}, {"reason": "x"}])
def test_without_a_reason_or_a_key_nothing_is_shown(staff: Client, data: dict[str, str]) -> None:
    scene.play_entries()
    assert "Siti" not in staff.post(REVEAL, {**data, "is_clear": "on"}).content.decode()
    assert not AuditEntry.objects.exists()


def test_who_steers_may_not_reveal_and_who_reveals_may_not_drop(client: Client, db: None) -> None:
    scene.play_entries()
    for group, may_reveal, may_drop in (("see", 403, 403), ("steer", 403, 302), ("reveal", 200, 403)):
        account = Account.objects.create_user(f"{group}@example.com", PASSWORD, is_staff=True)
        account.groups.add(Group.objects.get(name=f"Gateway: {group}"))
        client.force_login(account)
        assert client.post(REVEAL, {"key": KEY, "reason": "x"}).status_code == may_reveal
        assert client.post(f"{PAGE}drop/", {"pattern": "nothing", "reason": "x"}).status_code == may_drop


def test_a_mask_leaves_names_and_kinds() -> None:
    value = {"id": "c-1", "items": [{"amount": 1.5, "is_paid": True, "note": None}] * 4}
    item = {"amount": "number", "is_paid": "boolean", "note": None}
    assert masked(value) == {"id": "text", "items": [item, item, "… 2 more"]}


def test_the_shell_counts_before_it_drops(boss: Account) -> None:
    scene.play_entries(3)
    assert json.loads(run("cache", "find", "--member", "m-1", "--json"))["next_place"] == ""
    assert json.loads(run("cache", "drop", "--member", "m-1", "--json")) == {
        "pattern": "*:member:m-1:*",
        "matches": 3,
        "dropped": 0,
    }
    with pytest.raises(CommandError):
        run("cache", "drop", "--member", "m-1", "--yes", "--by", boss.email)
    told = json.loads(
        run("cache", "drop", "--member", "m-1", "--yes", "--by", boss.email, "--reason", "asked", "--json")
    )
    assert told["dropped"] == 3
    assert LogEntry.objects.get().change_message == "Dropped: asked"
    assert "claims                2 entries" in run("cache")


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_shell_says_so() -> None:
    with pytest.raises(CommandError, match="Redis does not answer"):
        run("cache", "find", "--pattern", "*")


@pytest.mark.long
def test_among_a_hundred_thousand_a_members_are_found_within_a_second_and_redis_serves_others(
    settings: Settings,
) -> None:
    prefix, redis = settings.CACHE_KEY_PREFIX, Redis.from_url(settings.REDIS_URL)
    pipeline = redis.pipeline(transaction=False)
    for number in range(100_000):
        pipeline.set(f"{prefix}:e:claims:member:m-{number}:list", b"1,2,\nx", px=120_000)
        if number % 5_000 == 0:
            pipeline.execute()
    pipeline.execute()
    scene.play_entries(2)
    redis.config_set("slowlog-log-slower-than", BLOCKED_MICROSECONDS)
    redis.slowlog_reset()
    began_at = time.monotonic()
    listing = entries_matching(default_cache().circuit, "*:member:m-77777:*")
    seconds = time.monotonic() - began_at
    found = count_matching(default_cache().circuit, "claims:member:m-7777*")
    dropped = purge_pattern(default_cache().circuit, "*:member:m-77777:*")
    blocking = [(entry["command"], entry["duration"]) for entry in redis.slowlog_get()]
    for name in redis.scan_iter(f"{prefix}*", count=5_000):
        redis.unlink(name)
    redis.close()

    assert [entry.key for entry in listing.entries] == ["claims:member:m-77777:list"]
    assert seconds < 1.0
    assert (found, dropped) == ((11, True), 1)
    assert blocking == []
