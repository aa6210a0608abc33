"""Runs the services in one event loop, each on its own port."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from sandbox.contract import load_contract
from sandbox.control import PREFIX, control
from sandbox.events import NoTeller, Teller
from sandbox.latency import Latency
from sandbox.messages import Request
from sandbox.places import Place
from sandbox.stand_in import StandIn
from sandbox.wire import Connection
from sandbox.world.state import World

BACKLOG: Final = 1024
#: Seconds that a call of the control interface waits at most for the gateway to take what it changed.
SETTLE_SECONDS: Final = 2.0
#: What binding says where an address family is there in name only; another address of the host will do.
NO_SUCH_ADDRESS: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class PortInUseError(Exception):
    """A port could not be had; nothing was started."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(
            f"The sandbox cannot listen on port {place.port} for the {place.service} service ({place.setting}): "
            f"{reason}. "
            f"Stop what uses it, or change {place.setting}."
        )
        self.place = place


@dataclass(slots=True)
class Post:
    """One service at its place, with the sockets it listens on."""

    place: Place
    stand_in: StandIn
    sockets: list[socket.socket]
    #: The port it listens on, also where the system chose it.
    port: int = field(init=False)
    servers: list[asyncio.Server] = field(default_factory=list)
    connections: set[Connection] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.port = self.sockets[0].getsockname()[1]


class SandboxServer:
    """The services at their places. All of them get their ports, or none: raises PortInUseError."""

    def __init__(
        self, places: Sequence[Place], world: World, *, latency: Latency, seed: int, teller: Teller | None = None
    ) -> None:
        self._teller = teller or NoTeller()
        world.tell = self._teller.tell
        self.posts: dict[str, Post] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            for place in places:
                rng = Random(f"{seed}:{place.service}")
                stand_in = StandIn(load_contract(place.service), world, latency, rng)
                self.posts[place.service] = Post(place, stand_in, listening_sockets(place))
        except PortInUseError:
            self._close_sockets()
            raise

    async def start(self) -> None:
        """Begins to answer."""
        for post in self.posts.values():
            await self._open(post)

    async def stop(self) -> None:
        """Ends at once: what is under way gets no answer."""
        for task in list(self._tasks):
            task.cancel()
        for post in self.posts.values():
            self._shut(post)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._teller.stop()
        self._close_sockets()

    async def refuse(self, service: str) -> None:
        """Stops listening, so that connections are refused, and drops those that are open."""
        self._shut(self.posts[service])

    async def listen(self, service: str) -> None:
        """Listens again on the same port, when `refuse` had stopped it."""
        post = self.posts[service]
        if not post.servers:
            post.sockets = listening_sockets(replace(post.place, port=post.port))
            await self._open(post)

    async def _open(self, post: Post) -> None:
        stand_in, teller = post.stand_in, self._teller

        async def serve(request: Request, connection: Connection) -> None:
            if request.path.startswith(PREFIX):
                answer = control(stand_in, request)
                if request.method == "POST":
                    # Whoever moves a claim by hand may look at once whether the gateway shows it.
                    await asyncio.to_thread(teller.settle, SETTLE_SECONDS)
                await connection.send(answer)
            else:
                await stand_in.serve(request, connection)

        def connect() -> Connection:
            return Connection(serve, self._tasks, post.connections)

        loop = asyncio.get_running_loop()
        post.servers = [await loop.create_server(connect, sock=sock, backlog=BACKLOG) for sock in post.sockets]

    def _shut(self, post: Post) -> None:
        for server in post.servers:
            server.close()
        post.servers = []
        for connection in list(post.connections):
            connection.abort()

    def _close_sockets(self) -> None:
        for post in self.posts.values():
            for sock in post.sockets:
                sock.close()


def listening_sockets(place: Place) -> list[socket.socket]:
    """A bound socket for each address of the place's host. Raises PortInUseError, with none left open."""
    sockets: list[socket.socket] = []
    refusal: OSError | None = None
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise PortInUseError(place, f"no such host {place.host}") from error
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            refusal = error
            continue
        sockets.append(sock)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as error:
            refusal = error
            sockets.remove(sock)
            sock.close()
            if error.errno not in NO_SUCH_ADDRESS:
                break
    if not sockets or (refusal is not None and refusal.errno not in NO_SUCH_ADDRESS):
        for sock in sockets:
            sock.close()
        raise PortInUseError(place, (refusal.strerror if refusal else "") or "no address")
    return sockets
