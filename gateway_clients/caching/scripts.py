"""What Redis does in one step: read entries and take leases, store a fill, give a lease back.

An entry is `<stored ms>,<fresh until ms>,<stamp>\\n<sealed>`: the stamp is the generation and the versions of the
entry's tags when its fill began. Changing a tag's version (or the generation) therefore voids, in constant time, every
entry and every lease that carries it: an entry whose stamp is not today's is a miss, a lease whose stamp is not today's
is free, and a fill that began under another stamp is not stored. A version that Redis has lost is made anew, never
assumed, so that an evicted one cannot bring an old entry back. What is no text at all (a list, a hash) is dropped.
Times are Redis's own, so that gateways need not agree on a clock.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import msgspec


@dataclass(frozen=True)
class Script:
    """A Lua script."""

    source: str

    @cached_property
    def sha1(self) -> str:
        """Redis's name for it."""
        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


class ScriptCall(msgspec.Struct, frozen=True):
    """A script to be run, with its keys and arguments."""

    script: Script
    keys: Sequence[str]
    args: Sequence[str | bytes | int]


class Rider(Protocol):
    """What is to be asked of Redis, if it was not yet, and may go along in the round trip of something else."""

    @property
    def waiting(self) -> ScriptCall | None:
        """What is to be asked; None once it was."""

    def take(self, answer: Any) -> None:
        """What Redis said, in a round trip that it went along with."""

    def settle(self) -> None:
        """Asks Redis by itself, unless that was done, and raises what the answer is a reason for."""


#: Milliseconds that a tag's version is kept. When one is lost earlier, all that carries it is a miss.
VERSION_MS: Final = 7 * 24 * 3_600_000

_TEXT = """
local function text_at(key)
  local found = redis.pcall('GET', key)
  if type(found) == 'table' then
    redis.call('UNLINK', key)
    return false
  end
  return found
end
"""

_STAMP = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function stamp_of(first, last, makes_missing)
  local versions = redis.call('MGET', unpack(KEYS, first, last))
  for i = 1, #versions do
    if not versions[i] then
      versions[i] = time[1] .. '-' .. time[2]
      if makes_missing then redis.call('SET', KEYS[first + i - 1], versions[i], 'PX', VERSION_MS) end
    end
  end
  return table.concat(versions, '.')
end
""".replace("VERSION_MS", str(VERSION_MS))

#: KEYS of each item: entry, lease, generation, tags…; ARGV of each: how many keys it has, lease token, lease ms, newer
#: than ms (an entry stored before counts as expired; 'now': any), whether a fresh one ends the reading ('last').
#: Answers for each item: {state, now, stored, fresh until, stamp, sealed} with state
#: fresh | leased | held (somebody else fills) | free (no lease was asked for).
READ: Final = Script(
    _TEXT
    + _STAMP
    + """
local answers, k = {}, 1
for a = 1, #ARGV, 5 do
  local count, token, lease_ms, newer, mode = tonumber(ARGV[a]), ARGV[a+1], ARGV[a+2], ARGV[a+3], ARGV[a+4]
  local entry_key, lease_key = KEYS[k], KEYS[k+1]
  local stamp = stamp_of(k + 2, k + count - 1, true)
  k = k + count
  local newer_ms = newer == 'now' and now + 1 or tonumber(newer)
  local stored, fresh, sealed = 0, 0, false
  local raw = text_at(entry_key)
  if raw then
    local line = string.find(raw, '\\n', 1, true)
    if line then
      local s, f, its = string.match(string.sub(raw, 1, line - 1), '^(%d+),(%d+),(.*)$')
      if its == stamp then
        stored, fresh, sealed = tonumber(s), tonumber(f), string.sub(raw, line + 1)
      end
    end
    if not sealed then redis.call('UNLINK', entry_key) end
  end
  local state = 'free'
  if sealed and fresh > now and stored >= newer_ms then
    state = 'fresh'
  elseif token ~= '' then
    local lease = text_at(lease_key)
    if lease and string.sub(lease, -(#stamp + 1)) == '\\n' .. stamp then
      state = 'held'
    else
      redis.call('SET', lease_key, token .. '\\n' .. stamp, 'PX', lease_ms)
      state = 'leased'
    end
  end
  answers[#answers + 1] = {state, now, stored, fresh, stamp, sealed}
  if state == 'fresh' and mode == 'last' then break end
end
return answers
"""
)

#: KEYS of each item: entry, lease, generation, tags…; ARGV of each: how many keys, lease token ('' for none), stamp of
#: the reading, fresh ms, kept ms, sealed. Answers for each: 1 stored, 0 voided meanwhile.
STORE: Final = Script(
    _TEXT
    + _STAMP
    + """
local answers, k = {}, 1
for a = 1, #ARGV, 6 do
  local count, token, stamp, fresh_ms, kept_ms = tonumber(ARGV[a]), ARGV[a+1], ARGV[a+2], ARGV[a+3], ARGV[a+4]
  local entry_key, lease_key = KEYS[k], KEYS[k+1]
  local is_valid = stamp_of(k + 2, k + count - 1, false) == stamp
  k = k + count
  if token ~= '' then
    local is_mine = text_at(lease_key) == token .. '\\n' .. stamp
    if is_mine then redis.call('UNLINK', lease_key) end
    is_valid = is_valid and is_mine
  end
  if is_valid and tonumber(kept_ms) > 0 then
    local head = string.format('%.0f,%.0f,%s\\n', now, now + fresh_ms, stamp)
    redis.call('SET', entry_key, head .. ARGV[a+5], 'PX', kept_ms)
  end
  answers[#answers + 1] = is_valid and 1 or 0
end
return answers
"""
)

#: KEYS: leases; ARGV: their tokens. Gives back those that are still held with them.
RELEASE: Final = Script(
    _TEXT
    + """
for i = 1, #KEYS do
  local lease = text_at(KEYS[i])
  if lease and string.sub(lease, 1, #ARGV[i] + 1) == ARGV[i] .. '\\n' then redis.call('UNLINK', KEYS[i]) end
end
return 1
"""
)

#: KEYS: a counter; ARGV: by how much, its life in ms. Answers what it counts now; what is no number is begun anew.
INCREMENT: Final = Script(
    """
local count = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(count) == 'table' then
  redis.call('SET', KEYS[1], ARGV[1])
  count = tonumber(ARGV[1])
end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
"""
)

#: KEYS: an entry; ARGV: ms that it is kept from now on, if it would be kept longer. Answers 1, or 0 when there is none.
EXPIRE: Final = Script(
    """
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return 0 end
if left < 0 or tonumber(ARGV[1]) < left then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
"""
)
