"""Identifies the server at Redis's address: when another server takes its place, every entry is void.

A server that takes another's place may lack what was invalidated last, and who holds a lease: the channel between the
processes begins another epoch. Each server has a run id of its own, also after a restart. Redis holds the run id of the
server that the generation was last raised on, so that a process that starts after a failover notices it as well.
"""

import time
from typing import Final

from django.conf import settings

from gateway_clients.redis_access.server_keys import channel_state_name, generation_name, server_name
from gateway_clients.runtime.singletons import process_singleton

#: KEYS: the generation, the run id of the server it was raised on, the state of the channel; ARGV: the run id of this
#: one, '1' when it must be raised, since the process has known another.
MEET: Final = """
local is_another = redis.pcall('GET', KEYS[2]) ~= ARGV[1]
if is_another then redis.call('UNLINK', KEYS[3]) end
if is_another or ARGV[2] == '1' then
  local time = redis.call('TIME')
  redis.call('SET', KEYS[1], string.sub(ARGV[1], 1, 8) .. '-' .. time[1] .. '-' .. time[2])
  redis.call('SET', KEYS[2], ARGV[1])
end
return 1
"""


class Server:
    """The Redis at one address, as this process knows it.

    `run_id` is "" before the first connection. Connections that were dialled before `valid_from`, in seconds of the
    monotonic clock, are stale.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.valid_from = 0.0

    def greeting(self, run_id: str) -> tuple[str | int, ...] | None:
        """Returns the command to send before a server is used; None for the known server."""
        if not run_id or run_id == self.run_id:
            return None
        names = (generation_name(), server_name(), channel_state_name(settings.CACHE_KEY_PREFIX))
        return ("EVAL", MEET, len(names), *names, run_id, "1" if self.run_id else "")

    def meet(self, run_id: str, dialled_at: float) -> None:
        """Records the server; connections that lead to another one are stale from now on."""
        if self.run_id:
            self.valid_from = max(self.valid_from, dialled_at)
        self.run_id = run_id

    def forget_connections(self) -> None:
        """Makes all present connections stale."""
        self.valid_from = time.monotonic()


@process_singleton
def server_at(_address: str, _database: int) -> Server:
    """Returns the server at `host:port`, or at the path of a Unix socket."""
    return Server()
