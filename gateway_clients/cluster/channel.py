"""The cluster's keys in Redis: leases, numbered messages, and the last message that each process has handled.

Messages go out by PUBLISH and are numbered, so that a process that missed one knows it. A sorted set holds each lease
with its end by Redis's clock. All of it may be lost: the numbers then begin anew, in another epoch, and a sender waits
as long as a lease of the earlier epoch may last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from redis import Redis

from gateway_clients.redis_access.script import Script
from gateway_clients.redis_access.server_keys import channel_state_name

#: The kinds of messages: forget what has one of these tags or names (none: everything); look what others' breakers did.
ENTRIES: Final = "entries"
BREAKERS: Final = "breakers"
#: Milliseconds by which Redis's clock may go back without another epoch.
SET_BACK_MS: Final = 1_000
#: KEYS: leases, state, heard. ARGV: a new epoch's name. The state has the epoch, the last number, when the epoch began,
#: and when anybody was here last. What is of another type than it should be is dropped. Another epoch begins where the
#: leases or the state were lost, and where Redis's clock was set back: by it old leases would last too long.
_EPOCH: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function is_of(key, kind)
  local found = redis.call('TYPE', key).ok
  if found == kind or found == 'none' then return true end
  redis.call('UNLINK', key)
  return false
end
local has_leases, has_state = is_of(KEYS[1], 'zset'), is_of(KEYS[2], 'hash')
is_of(KEYS[3], 'hash')
local state = redis.call('HMGET', KEYS[2], 'epoch', 'number', 'since', 'seen')
local is_known = has_leases and has_state and state[1] and string.find(state[2] or '', '^%d+$') and tonumber(state[3])
if not is_known or now < (tonumber(state[4]) or now) - SET_BACK_MS then
  state = {ARGV[1], '0', tostring(now)}
  redis.call('UNLINK', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'number', 0, 'since', string.format('%.0f', now))
end
redis.call('HSET', KEYS[2], 'seen', string.format('%.0f', now))
""".replace("SET_BACK_MS", str(SET_BACK_MS))

#: ARGV besides: who, milliseconds of the lease. Answers the epoch, the last number, how many hold leases.
RENEW: Final = Script(
    _EPOCH
    + """
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now - 1)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[3], gone)
end
return {state[1], tonumber(state[2]), redis.call('ZCARD', KEYS[1])}
"""
)

#: ARGV besides: who, the channel, the message. Answers the epoch, the message's number, the epoch's age in
#: milliseconds, and for each who holds a lease its name and the milliseconds that are left of it.
TELL: Final = Script(
    _EPOCH
    + """
local number = redis.call('HINCRBY', KEYS[2], 'number', 1)
redis.call('PUBLISH', ARGV[3], state[1] .. ' ' .. string.format('%.0f', number) .. ' ' .. ARGV[2] .. ' ' .. ARGV[4])
local told = {state[1], number, now - tonumber(state[3])}
local holders = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf', 'WITHSCORES')
for i = 1, #holders, 2 do
  told[#told + 1] = holders[i]
  told[#told + 1] = tonumber(holders[i + 1]) - now
end
return told
"""
)


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One message. A process ignores a message of a kind that it does not know."""

    kind: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as it came."""

    epoch: str
    number: int
    teller: str
    message: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A renewed lease; `number` is that of the last message before it, `holders` how many processes have a lease."""

    epoch: str
    number: int
    holders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sent message; `lease_seconds` is the rest of each process's lease, by process."""

    epoch: str
    number: int
    epoch_seconds: float
    lease_seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Channel:
    """The channel of one gateway. Every method raises RedisError and OSError."""

    prefix: str

    @property
    def name(self) -> str:
        """The name of the Redis channel."""
        return f"{self.prefix}:cluster:told"

    @property
    def _keys(self) -> tuple[str, str, str]:
        return f"{self.prefix}:cluster:leases", channel_state_name(self.prefix), self._heard

    @property
    def _heard(self) -> str:
        return f"{self.prefix}:cluster:heard"

    def renew(self, redis: Redis, process: str, lease_seconds: float, new_epoch: str) -> Renewal:
        """Takes or prolongs the lease of a process, for `lease_seconds`."""
        epoch, number, holders = _run(redis, RENEW, self._keys, [new_epoch, process, int(lease_seconds * 1000)])
        return Renewal(epoch=epoch.decode(), number=int(number), holders=int(holders))

    def release(self, redis: Redis, process: str) -> None:
        """Gives the lease of a process back."""
        redis.zrem(self._keys[0], process)
        redis.hdel(self._heard, process)

    def tell(self, redis: Redis, process: str, message: Message, new_epoch: str) -> Told:
        """Sends a message to all processes."""
        args = [new_epoch, process, self.name, msgspec.json.encode(message)]
        epoch, number, age_ms, *holders = _run(redis, TELL, self._keys, args)
        return Told(
            epoch=epoch.decode(),
            number=int(number),
            epoch_seconds=age_ms / 1000,
            lease_seconds={
                name.decode(errors="replace"): left_ms / 1000
                for name, left_ms in zip(holders[::2], holders[1::2], strict=True)
            },
        )

    def hear(self, redis: Redis, process: str, epoch: str, number: int) -> None:
        """Records that a process has handled all messages up to `number`."""
        redis.hset(self._heard, process, f"{epoch} {number}")

    def heard(self, redis: Redis, processes: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Returns the epoch and number that each of the processes has come to."""
        found: Any = redis.hmget(self._heard, list(processes))
        told = zip(processes, found, strict=True)
        split = {name: text.decode(errors="replace").split(" ") for name, text in told if text}
        return {
            name: (parts[0], int(parts[1]))
            for name, parts in split.items()
            if len(parts) == 2 and parts[1].isascii() and parts[1].isdigit()
        }


def received(data: bytes) -> Received | None:
    """Returns a received message; None for what is none. A message that cannot be read has a number all the same."""
    parts = data.split(b" ", 3)
    if len(parts) != 4 or not parts[1].isdigit():
        return None
    try:
        message = msgspec.json.decode(parts[3], type=Message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = None
    epoch, teller = parts[0].decode(errors="replace"), parts[2].decode(errors="replace")
    return Received(epoch=epoch, number=int(parts[1]), teller=teller, message=message)


def _run(redis: Redis, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
    answer: Any = redis.eval(script.source, len(keys), *keys, *args)
    return answer
