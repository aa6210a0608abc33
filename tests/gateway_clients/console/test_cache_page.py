"""The page of the cache: metadata only, and dropping with a reason."""

import re

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.test import Client
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching import inspection
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.services.provider import ProviderService
from members.models import Account
from tests.gateway_clients.console.conftest import helper_with
from tests.gateway_clients.console.reading import text_of

PAGE = "/admin/console/cacheentry/"
DROP = "/admin/console/cacheentry/drop/"


@pytest.fixture
def kept() -> None:
    for member in ("m-1", "m-2"):
        for data_class in (DataClass.CLAIMS, DataClass.BENEFITS):
            default_cache().set(CacheKey(data_class, "list", Subject.member(member)), {"secret": "very-private"})


def keys(client: Client, pattern: str) -> list[str]:
    return [entry.key for entry, _ in client.get(PAGE, {"pattern": pattern}).context["entries"]]


def test_it_lists_what_matches_with_its_metadata_and_never_the_value(staff: Client, kept: None) -> None:
    answer = staff.get(PAGE, {"pattern": "claims:*"})
    (one, _), (other, _) = answer.context["entries"]
    assert (one.key, other.key) == ("claims:member:m-1:list", "claims:member:m-2:list")
    assert one.data_class == "claims"
    assert one.age_seconds < 5
    assert 50 < one.fresh_seconds <= 60
    assert 3640 < one.kept_seconds <= 3660
    assert 50 < one.size_bytes < 200
    assert "very-private" not in answer.content.decode()
    assert "2 entries." in text_of(answer)


def test_nothing_is_looked_up_before_a_pattern_is_given(staff: Client, kept: None) -> None:
    assert staff.get(PAGE).context["listing"] is None
    assert staff.get(PAGE, {"pattern": "  "}).context["listing"] is None


def test_only_so_many_are_shown_and_it_says_so(staff: Client, kept: None) -> None:
    circuit = default_cache().circuit
    listing = inspection.entries_matching(circuit, "*", most=3)
    assert ([entry.key for entry in listing.entries], listing.is_cut) == (
        sorted(entry.key for entry in listing.entries),
        True,
    )
    assert len(listing.entries) == 3
    assert not inspection.entries_matching(circuit, "*", most=4).is_cut


def test_the_search_ends_after_so_many_steps(kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MOST_STEPS", 1)
    monkeypatch.setattr(inspection, "BATCH", 1)
    assert inspection.entries_matching(default_cache().circuit, "nothing").is_cut


def test_foreign_values_are_passed_over(staff: Client, kept: None, settings: Settings) -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    redis.set(entry_name("claims:text"), b"foreign", px=60_000)
    redis.set(entry_name("claims:empty"), b"", px=60_000)
    redis.rpush(entry_name("claims:list"), b"foreign")
    redis.expire(entry_name("claims:list"), 60)
    redis.close()
    assert keys(staff, "claims:*") == ["claims:member:m-1:list", "claims:member:m-2:list"]
    assert not default_cache().circuit.is_down


def test_one_entry_is_dropped_after_a_reason_is_given_and_that_is_written_down(
    staff: Client, boss: Account, kept: None
) -> None:
    (entry, exact), _ = staff.get(PAGE, {"pattern": "claims:*"}).context["entries"]
    form = staff.get(DROP, {"pattern": exact})
    assert "claims:member:m-1:list" in text_of(form)
    assert keys(staff, "claims:*") == ["claims:member:m-1:list", "claims:member:m-2:list"]

    answer = staff.post(DROP, {"pattern": exact, "reason": "wrong since the import"}, follow=True)
    assert "1 entry dropped" in text_of(answer)
    assert keys(staff, "*") == ["benefits:member:m-1:list", "benefits:member:m-2:list", "claims:member:m-2:list"]
    (written,) = LogEntry.objects.all()
    assert (written.user, written.object_id, written.action_flag) == (boss, entry.key, DELETION)
    assert written.change_message == "Dropped: wrong since the import"


def test_a_pattern_is_dropped_whole(staff: Client, kept: None) -> None:
    answer = staff.post(DROP, {"pattern": "*:member:m-1:*", "reason": "member asked"}, follow=True)
    assert "2 entries dropped" in text_of(answer)
    assert keys(staff, "*") == ["benefits:member:m-2:list", "claims:member:m-2:list"]


def test_a_key_with_signs_of_a_pattern_is_dropped_alone(staff: Client) -> None:
    for name in ("list:q=a*", "list:q=ab"):
        default_cache().set(CacheKey(DataClass.PROVIDER, name), 1)
    exact = {entry.key: exact for entry, exact in staff.get(PAGE, {"pattern": "*"}).context["entries"]}
    staff.post(DROP, {"pattern": exact["provider:list:q=a*"], "reason": "one only"})
    assert keys(staff, "*") == ["provider:list:q=ab"]


def test_a_drop_voids_the_fill_under_way(staff: Client) -> None:
    key = CacheKey(DataClass.CLAIMS, "list", Subject.member("m-1"))
    (reading,) = default_cache().read([CacheLookup(key=key, lease_seconds=5)])
    staff.post(DROP, {"pattern": "claims:*", "reason": "wrong"})
    (again,) = default_cache().read([CacheLookup(key=key, lease_seconds=5)])
    assert (reading.status, again.status) == (LookupStatus.LEASED, LookupStatus.LEASED)


@pytest.mark.parametrize("data", [{"pattern": "*"}, {"pattern": "*", "reason": " "}, {"reason": "no pattern"}])
def test_without_a_reason_or_a_pattern_nothing_is_dropped(staff: Client, kept: None, data: dict[str, str]) -> None:
    assert staff.post(DROP, data).status_code in {200, 302}
    assert len(keys(staff, "*")) == 4
    assert not LogEntry.objects.exists()


def test_dropping_needs_the_csrf_token_and_the_permission(client: Client, boss: Account, kept: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(boss)
    assert strict.post(DROP, {"pattern": "*", "reason": "x"}).status_code == 403

    client.force_login(helper_with("view_cacheentry"))
    assert DROP not in client.get(PAGE, {"pattern": "*"}).content.decode()
    assert client.get(DROP, {"pattern": "*"}).status_code == 403
    assert client.post(DROP, {"pattern": "*", "reason": "x"}).status_code == 403
    assert len(keys(client, "*")) == 4


def test_with_redis_down_it_says_so_and_drops_nothing(staff: Client, redis_down: None) -> None:
    assert "Redis does not answer. Nothing can be looked up" in text_of(staff.get(PAGE, {"pattern": "*"}))
    answer = staff.post(DROP, {"pattern": "*", "reason": "x"})
    assert "Redis does not answer: nothing was dropped" in text_of(answer)
    assert not LogEntry.objects.exists()


def test_a_pattern_is_shown_as_text(staff: Client) -> None:
    page = staff.get(PAGE, {"pattern": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_upstreams_are_shown_with_their_limits(staff: Client, settings: Settings) -> None:
    text = text_of(staff.get("/admin/console/upstream/"))
    limit = settings.BULKHEAD_LIMIT
    shown = f"claims 0 of {limit} 0 2 s 0.5 s 1.5 s 10 % after 5 failures, for 60 s http://localhost:8001 "
    assert shown in text


def test_words_of_a_search_stand_neither_in_redis_nor_on_the_page(staff: Client, settings: Settings) -> None:
    key = ProviderService().search_providers(q="Zulkarnain onkologi").key
    assert key is not None
    default_cache().set(key, {"items": [], "total": 0})

    redis = Redis.from_url(settings.REDIS_URL)
    names = b" ".join(redis.scan_iter(f"{settings.CACHE_KEY_PREFIX}*")).decode()
    redis.close()
    page = staff.get(PAGE, {"pattern": "provider:*"})

    assert [entry.key for entry, _ in page.context["entries"]] == [str(key)]
    assert str(key) in names
    for text in (names, page.content.decode()):
        assert not re.search("zulkarnain|onkologi", text, re.IGNORECASE)
