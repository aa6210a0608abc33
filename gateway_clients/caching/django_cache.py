"""Django's default cache: `caches["default"]` with typed keys and with plain ones.

A typed key (`CacheKey`) names an entry as upstream reads have it: sealed, with the life of its
data class, dropped with its tags. A plain key is a text as anybody's Django code uses it, in a
namespace of its own; its value is sealed too, but for whole numbers, which Redis can count.

`LeasingCache` is the backend, `SealingClient` its `CLIENT_CLASS`. Redis is asked through
its circuit: while it is down, every read is a miss and every write is dropped, at once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient
from django_redis.client.default import glob_escape
from django_redis.exceptions import ConnectionInterrupted
from django_redis.util import CacheKey as PlainName
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.store import default_cache
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.circuit import CacheDownError

R = TypeVar("R")
Key = CacheKey | str
#: Of the expiry of names, None: they stay.
Timeout = float | None
#: Seconds that making a value for a typed key may take, and that others wait for it.
MAKE_SECONDS: Final = 5.0
_MISSING: Final = object()


def plain_name(key: Key, prefix: str, version: int | str) -> str:
    """Redis's name of a plain key (Django's `KEY_FUNCTION`).

    Raises TypeError for a typed key: the operation takes none.
    """
    if isinstance(key, CacheKey):
        raise TypeError(f"this operation takes plain keys, not a typed key of {key.data_class}")
    return f"{prefix}:d:{version}:{key}"


def plain_key(name: str) -> str:
    """The plain key of a name in Redis (django-redis's `REVERSE_KEY_FUNCTION`)."""
    return name.split(":", 3)[3]


class _Sealed(bytes):
    """A value as it is sent to Redis."""


class SealingClient(DefaultClient):  # type: ignore[misc]  # django-redis has no types
    """django-redis's client, which seals values under the names of their keys.

    Its methods raise ConnectionInterrupted while Redis does not answer, for plain keys alone.
    """

    def __init__(self, server: Any, params: dict[str, Any], backend: Any) -> None:
        super().__init__(server, params, backend)
        self._prefix: str = params.get("KEY_PREFIX", "")

    def get(self, key: Key, default: Any = None, version: int | None = None, client: Redis | None = None) -> Any:
        """Returns the value, or `default` where there is no readable one."""
        return self.get_many([key], version=version, client=client).get(key, default)

    def get_many(
        self, keys: Collection[Key], version: int | None = None, client: Redis | None = None
    ) -> dict[Key, Any]:
        """Returns the values that there are, by key."""
        typed = [key for key in keys if isinstance(key, CacheKey)]
        found: dict[Any, Any] = {**default_cache().get_many(typed, Any)}
        names = {self.make_key(key, version=version): key for key in keys if not isinstance(key, CacheKey)}
        if names:
            sealed: Any = self._run(lambda redis: redis.mget(*names), client)
            opened = zip(names.values(), map(self._opened, names, sealed), strict=True)
            found |= {key: value for key, value in opened if value is not _MISSING}
        return found

    def set(  # noqa: PLR0917 - as django-redis has it
        self,
        key: Key,
        value: Any,
        timeout: Timeout = DEFAULT_TIMEOUT,
        version: int | None = None,
        client: Redis | None = None,
        nx: bool = False,
        xx: bool = False,
    ) -> bool:
        """Stores a value; returns whether it was stored.

        A typed key's value lives as long as its data class says, or for `timeout` seconds if that is shorter.
        """
        if isinstance(key, CacheKey):
            if (nx or xx) and self.has_key(key) is nx:
                return False
            return default_cache().set_many({key: value}, fresh_seconds=_fresh_seconds(timeout))
        name = self.make_key(key, version=version)
        sealed = self._sealed(name, value)
        keep = super().set
        return bool(self._run(lambda redis: keep(name, sealed, timeout, client=redis, nx=nx, xx=xx), client))

    def set_many(
        self,
        data: Mapping[Key, Any],
        timeout: Timeout = DEFAULT_TIMEOUT,
        version: int | None = None,
        client: Redis | None = None,
    ) -> None:
        """Stores values, each as `set` does."""
        typed = {key: value for key, value in data.items() if isinstance(key, CacheKey)}
        default_cache().set_many(typed, fresh_seconds=_fresh_seconds(timeout))
        plain = {key: value for key, value in data.items() if not isinstance(key, CacheKey)}
        keep = super().set_many
        self._run(lambda redis: keep(plain, timeout, version=version, client=redis), client)

    def delete(
        self, key: Key, version: int | None = None, prefix: str | None = None, client: Redis | None = None
    ) -> int:
        """Deletes a value; a typed key's also while Redis is down, once it is back."""
        if isinstance(key, CacheKey):
            return int(default_cache().delete(key))
        name = self.make_key(key, version=version, prefix=prefix)
        return int(self._run(lambda redis: redis.delete(name), client))

    def delete_many(self, keys: Iterable[Key], version: int | None = None, client: Redis | None = None) -> int:
        """Deletes values; returns how many there were."""
        return sum(self.delete(key, version=version, client=client) for key in keys)

    def delete_pattern(
        self,
        pattern: str,
        version: int | None = None,
        prefix: str | None = None,
        client: Redis | None = None,
        itersize: int | None = None,
    ) -> int:
        """Deletes the typed and plain keys that match; returns how many there were."""
        drop = super().delete_pattern
        plain = self._run(
            lambda redis: drop(pattern, version=version, prefix=prefix, client=redis, itersize=itersize), client
        )
        return int(plain) + (default_cache().invalidate_pattern(pattern) or 0)

    def clear(self, client: Redis | None = None) -> None:
        """Deletes all plain keys and voids all entries; the gateway's other keys stay."""
        default_cache().invalidations.invalidate_everything(default_cache().circuit)
        pattern = PlainName(f"{glob_escape(self._prefix)}:d:*")
        drop = super().delete_pattern
        self._run(lambda redis: drop(pattern, client=redis), client)

    def touch(
        self,
        key: Key,
        timeout: Timeout = DEFAULT_TIMEOUT,
        version: int | None = None,
        client: Redis | None = None,
    ) -> bool:
        """Sets when a value expires; returns whether there was one. A typed key's value never lives longer."""
        if isinstance(key, CacheKey):
            seconds = _fresh_seconds(timeout)
            return self.has_key(key) if seconds is None else default_cache().expire(key, seconds)
        expire = super().touch
        return bool(self._run(lambda redis: expire(key, timeout, version=version, client=redis), client))

    def has_key(self, key: Key, version: int | None = None, client: Redis | None = None) -> bool:
        """Returns whether there is a value; for a typed key a fresh one."""
        if isinstance(key, CacheKey):
            return bool(default_cache().get_many([key], Any))
        name = self.make_key(key, version=version)
        return bool(self._run(lambda redis: redis.exists(name), client))

    def incr(
        self,
        key: str,
        delta: int = 1,
        version: int | None = None,
        client: Redis | None = None,
        ignore_key_check: bool = False,
    ) -> int:
        """Counts a whole number. Raises ValueError where there is none, unless `ignore_key_check`."""
        count = super().incr
        return int(self._run(lambda redis: count(key, delta, version, redis, ignore_key_check), client))

    def decr(self, key: str, delta: int = 1, version: int | None = None, client: Redis | None = None) -> int:
        """Counts downwards. Raises ValueError where there is nothing to count."""
        return self.incr(key, -delta, version, client)

    def encode(self, value: Any, *, allow_int: bool = True) -> Any:
        """Returns a value as it is sent to Redis; a sealed one stays as it is."""
        return value if isinstance(value, _Sealed) else super().encode(value, allow_int=allow_int)

    def _sealed(self, name: str, value: Any) -> Any:
        encoded = self.encode(value)
        return encoded if isinstance(encoded, int) else _Sealed(sealer().seal(name, encoded))

    def _opened(self, name: str, kept: bytes | None) -> Any:
        if kept is None:
            return _MISSING
        try:
            return int(kept)
        except ValueError:
            pass
        try:
            return self.decode(sealer().open(name, kept))
        except (UnsealableError, ValueError):
            return _MISSING

    @staticmethod
    def _run(operation: Callable[[Redis], R], client: Redis | None) -> R:
        """Runs the operation on the given client, else through Redis's circuit. Raises ConnectionInterrupted."""
        if client is not None:
            return operation(client)

        def command(redis: Redis) -> R:
            try:
                return operation(redis)
            except ConnectionInterrupted as error:
                raise (error.__cause__ or error) from None

        try:
            return default_cache().circuit.run(command)
        except CacheDownError as error:
            raise ConnectionInterrupted(connection=None) from (error.__cause__ or RedisConnectionError("down"))


class LeasingCache(RedisCache):  # type: ignore[misc]  # django-redis has no types
    """django-redis's backend; `get_or_set` of a typed key has one caller over all processes make the value."""

    def get_or_set(self, key: Any, default: Any, timeout: Timeout = DEFAULT_TIMEOUT, version: int | None = None) -> Any:
        """Returns the value; where there is none, stores `default`, or what calling it returns."""
        if not isinstance(key, CacheKey):
            return super().get_or_set(key, default, timeout, version)
        make = default if callable(default) else lambda: default
        return default_cache().get_or_set(
            key, cast(Any, Any), make, make_seconds=MAKE_SECONDS, fresh_seconds=_fresh_seconds(timeout)
        )


def _fresh_seconds(timeout: Timeout) -> float | None:
    """Returns the longest time in seconds that a typed key's value is fresh; None for that of its data class."""
    return None if timeout is DEFAULT_TIMEOUT or timeout is None else float(timeout)
