"""The breaker in front of Redis.

It opens at the first failure: calls go on without Redis until a probe in the background succeeds.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import structlog
from django.conf import settings
from django.core.signals import setting_changed
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from gateway_clients.instrumentation.trips import note_redis_trip
from gateway_clients.redis_access.error_replies import RedisState, concerns_server, refusal_code, state_behind
from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.redis_access.script_pool import forget_connections, script_pool_of

R = TypeVar("R")
PROBE_SECONDS: Final = 0.25
#: Seconds in which refusals are logged once.
REFUSAL_LOG_SECONDS: Final = 10.0
log = structlog.get_logger(__name__)


class CacheDownError(Exception):
    """Redis is not asked at the moment, or did not answer in time (`was_asked`: it may still run the command)."""

    def __init__(self, *, was_asked: bool = False) -> None:
        super().__init__()
        self.was_asked = was_asked


class CacheRefusedError(CacheDownError):
    """Redis answers, but refused this command; `code` is the refusal's first word, such as `OOM`."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class RedisCircuit:
    """Runs commands while Redis answers, and raises at once while it does not.

    The refusal of one command is raised to its caller, and Redis stays in use; a refusal that any command would get
    opens the circuit. Opening closes the kept connections, and the probe dials: the address may lead to another server
    by now. `before_return` and the actions of `on_return` run in the probe's thread before the process uses Redis
    again; if one of them fails, the circuit stays open.
    """

    def __init__(
        self,
        connect: Callable[[], Redis],
        *,
        before_return: Callable[[Redis], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._before_return = [before_return]
        self._ahead_of_return: list[Callable[[Redis], None]] = []
        self._sleep = sleep
        self._lock = threading.Lock()
        self._is_down = False
        self._lacks_probe = False
        self._state: RedisState = "up"
        self._refusals_told_at = -REFUSAL_LOG_SECONDS

    @property
    def is_down(self) -> bool:
        """Whether the circuit is open: Redis is not asked."""
        return self._is_down

    @property
    def state(self) -> RedisState:
        """`up`, or why Redis is not being asked."""
        return self._state

    def on_return(self, action: Callable[[Redis], None]) -> None:
        """Adds an action that runs before the process uses Redis again."""
        self._before_return.append(action)

    def ahead_of_return(self, action: Callable[[Redis], None]) -> None:
        """Adds an action that runs before those of `on_return`, without the lock: it may take long."""
        self._ahead_of_return.append(action)

    def run(self, command: Callable[[Redis], R]) -> R:
        """Returns the command's result. Raises CacheDownError within one socket timeout, or CacheRefusedError."""
        if self._is_down:
            if self._lacks_probe:
                self._begin_missing_probe()
            raise CacheDownError
        began_at = time.monotonic()
        try:
            result = command(self._connect())
        except (RedisError, OSError) as error:
            if not concerns_server(error):
                note_redis_trip(began_at, "refused")
                self._tell_refusal(error)
                raise CacheRefusedError(refusal_code(error)) from error
            note_redis_trip(began_at, "failed")
            self._go_down(error)
            raise CacheDownError(was_asked=True) from error
        note_redis_trip(began_at, "ok")
        return result

    def run_or_keep(self, command: Callable[[Redis], object], keep: Callable[[], None]) -> bool:
        """Runs the command, or calls `keep` so that `before_return` does it later; Redis cannot return in between.

        Returns whether the command was run. If Redis refused it, the circuit is open until it has been done.
        """
        while True:
            try:
                self.run(command)
            except CacheDownError as error:
                if isinstance(error, CacheRefusedError):
                    self._go_down(error.__cause__ or error)
                with self._lock:
                    if self._is_down:
                        keep()
                        return False
            else:
                return True

    def script(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Runs a script. Raises CacheDownError."""
        (answer,) = self.scripts([ScriptCall(script, keys, args)])
        return answer

    def scripts(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Runs several scripts in one round trip and returns their answers. Raises CacheDownError."""
        return self.run(lambda redis: script_pool_of(redis.connection_pool).run(calls))

    def _tell_refusal(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._refusals_told_at >= REFUSAL_LOG_SECONDS:
            self._refusals_told_at = now
            log.warning("cache.refused", reason=refusal_code(error) or type(error).__name__)

    def _go_down(self, error: BaseException) -> None:
        if self._is_down:
            return
        with self._lock:
            if self._is_down:
                return
            self._is_down = True
            self._take_trouble(error)
        self._begin_probing()
        log.warning("cache.down", reason=refusal_code(error) or type(error).__name__)

    def _begin_probing(self) -> None:
        """Starts the probe. Where the process may have no more threads, the next who is refused starts it."""
        try:
            threading.Thread(target=self._probe_until_up, name="redis-probe", daemon=True).start()
        except RuntimeError:
            self._lacks_probe = True

    def _begin_missing_probe(self) -> None:
        with self._lock:
            lacks_probe, self._lacks_probe = self._lacks_probe, False
        if lacks_probe:
            self._begin_probing()

    def _take_trouble(self, error: BaseException) -> None:
        """Another try needs another connection: this one may lead to a server that has lost its place."""
        state = state_behind(refusal_code(error))
        if state == "cluster" and self._state != state:
            log.error("cache.cluster", hint="Redis Cluster is not supported: REDIS_URL must lead to a single server.")
        self._state = state
        forget_connections(self._connect().connection_pool)

    def _probe_until_up(self) -> None:
        while True:
            self._sleep(PROBE_SECONDS)
            try:
                self._come_up()
            except (RedisError, OSError) as error:
                self._take_trouble(error)
                continue
            except Exception as error:
                log.exception("cache.return_failed")
                self._take_trouble(error)
                continue
            log.info("cache.up")
            return

    def _come_up(self) -> None:
        redis = self._connect()
        write_probe(redis)
        for action in self._ahead_of_return:
            action(redis)
        with self._lock:
            for action in self._before_return:
                action(redis)
            self._is_down, self._state = False, "up"


def write_probe(redis: Redis) -> None:
    """Probes Redis by a write, not a ping: one that is full or read-only would fail the next command."""
    redis.set(f"{settings.CACHE_KEY_PREFIX}:probe", b"1", px=1000)


@cache
def default_connection() -> Redis:
    """Returns the connection of Django's default cache."""
    connection: Redis = get_redis_connection("default")
    return connection


def forget(**_: object) -> None:
    """Drops the connection when settings change, in tests."""
    default_connection.cache_clear()


setting_changed.connect(forget)
