"""Runs a sandbox: until a signal ends it, or for tests in a thread of their process."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Final, Self

from gateway_clients.conf import SERVICES
from sandbox.calls import CallReport
from sandbox.control import checked
from sandbox.events import Teller
from sandbox.faults import Fault, FaultKind
from sandbox.latency import NO_LATENCY, Latency
from sandbox.ledger import Entry
from sandbox.places import LOOPBACK, Place, places_anywhere
from sandbox.server import Post, SandboxServer
from sandbox.world.state import World, make_world

SEED: Final = 20260101
STOP_SECONDS: Final = 5.0


class Sandbox:
    """The services on random ports of `host`, in a background thread, for as long as the `with` lasts.

    with Sandbox() as sandbox:
        sandbox.url("claims")                                # http://127.0.0.1:41873
        sandbox.fault("benefit", "down", operation="validateBenefit", times=1)
        sandbox.calls("claims").by_operation["listClaims"]
        sandbox.clear()
    """

    def __init__(
        self,
        *,
        latency: Latency = NO_LATENCY,
        seed: int = SEED,
        today: date | None = None,
        services: Iterable[str] = SERVICES,
        teller: Teller | None = None,
        host: str = LOOPBACK,
    ) -> None:
        self._teller = teller
        self._host = host
        self._latency, self._seed, self._today, self._services = latency, seed, today, tuple(services)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._is_ready = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STOP_SECONDS)

    @property
    def world(self) -> World:
        """All the data, as it is now. Hold its lock while you read or change it."""
        return self._world

    @property
    def urls(self) -> dict[str, str]:
        """Where each service is, by its setting: for `override_settings(**sandbox.urls)`."""
        return {f"{service.upper()}_SERVICE_URL": self.url(service) for service in self._services}

    def url(self, service: str) -> str:
        """Where the service is."""
        post = self._post(service)
        return f"http://{post.place.host}:{post.port}"

    def calls(self, service: str) -> CallReport:
        """What the service was asked since the last `reset`."""
        return self._post(service).stand_in.calls.report()

    def reset(self) -> None:
        """Counts all calls from zero."""
        for post in self._server.posts.values():
            post.stand_in.calls.reset()

    def ledger(self, service: str) -> tuple[Entry, ...]:
        """The writes the service carried out, oldest first."""
        with self._world.lock:
            return tuple(self._post(service).stand_in.ledger.entries)

    def fault(self, service: str, kind: FaultKind | str, **details: Any) -> None:
        """Sets a fault; `details` are the fields of `Fault`. Raises ProblemError for an operation that isn't there."""
        stand_in = self._post(service).stand_in
        stand_in.faults.put(checked(stand_in, Fault(kind=FaultKind(kind), **details)))

    def refuse(self, service: str) -> None:
        """Connections to the service are refused, until `clear`."""
        self._do(self._server.refuse(service))

    def clear(self) -> None:
        """All services are well again."""
        for service, post in self._server.posts.items():
            post.stand_in.faults.clear()
            self._do(self._server.listen(service))

    def _post(self, service: str) -> Post:
        return self._server.posts[service]

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the thread that waits for the start
            self._failure = error
        finally:
            self._is_ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._world = make_world(self._seed, self._today)
        self._server = SandboxServer(
            places_anywhere(self._services, self._host),
            self._world,
            latency=self._latency,
            seed=self._seed,
            teller=self._teller,
        )
        await self._server.start()
        self._is_ready.set()
        await self._stopping.wait()
        await self._server.stop()


def run_until_signal(
    places: Sequence[Place],
    *,
    latency: Latency,
    seed: int,
    today: date | None,
    teller: Teller,
    on_ready: Callable[[SandboxServer], None],
) -> None:
    """Runs the services at their places until SIGTERM or SIGINT. Raises PortInUseError, with nothing started."""
    world = make_world(seed, today)
    asyncio.run(
        _run_until_signal(lambda: SandboxServer(places, world, latency=latency, seed=seed, teller=teller), on_ready)
    )


async def _run_until_signal(make: Callable[[], SandboxServer], on_ready: Callable[[SandboxServer], None]) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = make()
    await server.start()
    on_ready(server)
    await stopping.wait()
    await server.stop()
