"""Redis behind a breaker of its own: at its first failure calls go on without it, and a background probe asks again."""

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

from gateway_clients.redis_access.error_replies import RedisState, concerns_server, refusal_code, state_behind
from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.redis_access.script_pool import forget_connections, script_pool_of

R = TypeVar("R")
PROBE_SECONDS: Final = 0.25
#: Seconds in which refusals are told in the log once.
REFUSAL_LOG_SECONDS: Final = 10.0
log = structlog.get_logger(__name__)


class CacheDownError(Exception):
    """Redis is not asked at the moment, or did not answer in time (`was_asked`: it may still do what it was told)."""

    def __init__(self, *, was_asked: bool = False) -> None:
        super().__init__()
        self.was_asked = was_asked


class CacheRefusedError(CacheDownError):
    """Redis answers, but has refused this command; `code` is the refusal's first word, such as `OOM`."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class RedisCircuit:
    """Runs commands while Redis answers, and says so at once while it does not.

    A refusal of one command is its caller's: Redis stays in use. One that any command would get makes Redis down.
    Going down closes the kept connections, and the probe dials: the address may lead to another server by now.
    `before_return` and what was given to `on_return` run, in the probe's thread, before the process uses Redis again;
    when one of them fails Redis stays down.
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
        self._state: RedisState = "up"
        self._refusals_told_at = -REFUSAL_LOG_SECONDS

    @property
    def is_down(self) -> bool:
        """Whether Redis is not being asked at the moment."""
        return self._is_down

    @property
    def state(self) -> RedisState:
        """`up`, or why Redis is not being asked."""
        return self._state

    def on_return(self, action: Callable[[Redis], None]) -> None:
        """Runs this too before the process uses Redis again."""
        self._before_return.append(action)

    def ahead_of_return(self, action: Callable[[Redis], None]) -> None:
        """Runs this before those; it may take long, and nobody who has something to be kept waits for it."""
        self._ahead_of_return.append(action)

    def run(self, command: Callable[[Redis], R]) -> R:
        """The command's result. Raises CacheDownError, at the latest after one socket timeout, or CacheRefusedError."""
        if self._is_down:
            raise CacheDownError
        try:
            return command(self._connect())
        except (RedisError, OSError) as error:
            if not concerns_server(error):
                self._tell_refusal(error)
                raise CacheRefusedError(refusal_code(error)) from error
            self._go_down(error)
            raise CacheDownError(was_asked=True) from error

    def run_or_keep(self, command: Callable[[Redis], object], keep: Callable[[], None]) -> bool:
        """Runs the command, or `keep`s what `before_return` is to do later; no return of Redis falls in between.

        Whether the command was run. Where Redis has refused it, Redis is down until it has been done.
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
        """Runs several in one round trip; what each answers. Raises CacheDownError."""
        return self.run(lambda redis: script_pool_of(redis.connection_pool).run(calls))

    def scripts_or_leave(self, calls: Sequence[ScriptCall], fire_and_forget_if: Callable[[], bool]) -> list[Any] | None:
        """The same; None without waiting when `fire_and_forget_if`, asked once they are on their way, says so."""
        return self.run(lambda redis: script_pool_of(redis.connection_pool).run_or_leave(calls, fire_and_forget_if))

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
        threading.Thread(target=self._probe_until_up, name="redis-probe", daemon=True).start()
        log.warning("cache.down", reason=refusal_code(error) or type(error).__name__)

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
    """Asks Redis for a write, not a ping: one that is full or read-only would fail the next caller at once."""
    redis.set(f"{settings.CACHE_KEY_PREFIX}:probe", b"1", px=1000)


@cache
def default_connection() -> Redis:
    """The connection of Django's default cache."""
    connection: Redis = get_redis_connection("default")
    return connection


def forget(**_: object) -> None:
    """Connect anew with other settings; for tests."""
    default_connection.cache_clear()


setting_changed.connect(forget)
