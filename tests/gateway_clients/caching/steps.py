"""Keys, looks and fills in as few words as tests want them."""

import msgspec

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import CacheLookup, Entry, LookupResult
from gateway_clients.caching.store import Cache
from gateway_clients.conf import DataClass

CLAIMS = CacheKey(DataClass.CLAIMS, "list", Subject.member("m-1"))
OTHERS_CLAIMS = CacheKey(DataClass.CLAIMS, "list", Subject.member("m-2"))
BENEFITS = CacheKey(DataClass.BENEFITS, "all", Subject.member("m-1"))
SUMMARY = CacheKey(DataClass.SUMMARY, "claims")


def entry(value: object, *, fill_seconds: float = 0.0) -> Entry:
    return Entry(msgspec.Raw(msgspec.msgpack.encode(value)), fill_seconds=fill_seconds)


def value_of(reading: LookupResult) -> object:
    return None if reading.entry is None else msgspec.msgpack.decode(reading.entry.body)


def look(cache: Cache, key: CacheKey = CLAIMS, *, lease_seconds: float = 0.0, newer_than_ms: int = 0) -> LookupResult:
    (reading,) = cache.read([CacheLookup(key=key, lease_seconds=lease_seconds, newer_than_ms=newer_than_ms)])
    return reading


def lease(cache: Cache, key: CacheKey = CLAIMS, *, lease_seconds: float = 5.0) -> LookupResult:
    return look(cache, key, lease_seconds=lease_seconds)


def fill(cache: Cache, key: CacheKey = CLAIMS, value: object = "v1") -> bool:
    """Whether a fill under a lease was stored."""
    (is_valid,) = cache.store([cache.write_for(lease(cache, key), entry(value))])
    return is_valid
