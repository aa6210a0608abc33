"""Scripts that Redis runs in one step: read entries and take leases, store a fill, release a lease.

An entry is `<stored ms>,<fresh until ms>,<stamp>\\n<sealed>`: the stamp is the generation and the versions of the
entry's tags when its fill began. Changing a tag's version (or the generation) therefore voids, in constant time, every
entry and every lease that carries it: an entry whose stamp is not today's is a miss, a lease whose stamp is not today's
is free, and a fill that began under another stamp is not stored.

The versions of one subject's tags (`member:m-1`, `member:m-1:claims`) are fields of one hash, its home: the subject's
own under '', a class's under its name; one that was never changed counts as 0. So Redis can only lose them together,
and then the subject's own is made anew, never assumed: no eviction brings an old entry back. What is of another type
than it should be is dropped.
Times are Redis's own, so that gateways need not agree on a clock. What it stored at a time that is still to come is a
miss: its clock was set back, and nobody knows how old that is.
"""

from typing import Final

from gateway_clients.redis_access.script import Script

#: Milliseconds that a subject's versions are kept. When they are lost earlier, all that carries them is a miss. The
#: generation and the versions that many subjects' entries carry are kept for ever: they would all be misses at once.
VERSION_MS: Final = 7 * 24 * 3_600_000
#: Milliseconds that a purge is remembered: longer than anybody puts a view together.
PURGE_MS: Final = 60_000

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

_KEEP_HOME = """
local function keep_home(name)
  if string.find(name, ':%*$') or string.find(name, ':v:[^:]+$') then
    redis.call('PERSIST', name)
  else
    redis.call('PEXPIRE', name, VERSION_MS)
  end
end
""".replace("VERSION_MS", str(VERSION_MS))

_STAMP = (
    _KEEP_HOME
    + """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local home_count, first = tonumber(ARGV[1]), 2
local versions = {}
local function read_versions(generation, makes_missing)
  local new_version = makes_missing and time[1] .. '-' .. time[2] or ''
  versions[1] = generation or new_version
  if makes_missing and not generation then
    redis.call('SET', KEYS[home_count + 1], new_version)
  end
  for h = 1, home_count do
    local count = tonumber(ARGV[first])
    local kept = redis.pcall('HMGET', KEYS[h], unpack(ARGV, first + 1, first + count))
    if kept.err then
      redis.call('UNLINK', KEYS[h])
      kept = {}
    end
    if makes_missing and not kept[1] then
      redis.call('HSET', KEYS[h], '', new_version)
      keep_home(KEYS[h])
    end
    versions[#versions + 1] = kept[1] or new_version
    for f = 2, count do versions[#versions + 1] = kept[f] or '0' end
    first = first + 1 + count
  end
end
local function versions_at(low, high, ...)
  if not low then return '' end
  return '.' .. versions[low + 256 * high] .. versions_at(...)
end
local function stamp_of(places)
  return versions[1] .. versions_at(string.byte(places, 1, -1))
end
"""
)

#: KEYS: the homes of versions, the generation, a lease for each item, an entry for each item. ARGV: how many homes, and
#: of each how many fields, and these ('' first); then of each item: lease token ('' for none), lease ms, newer than ms
#: (an entry stored before counts as expired; -1: any), 'last' when a fresh one ends the reading or else the ms after
#: which somebody else's lease is taken over ('' for never), the places of its versions among the generation and all
#: fields, two bytes each.
#: Answers the time, then of each item: state, stored, fresh until, stamp, what is sealed; with state
#: 0 hit | 1 leased | 2 busy (somebody else fills) | 3 miss (no lease was asked for).
#: A lease is `<token>\\n<time>\\n<stamp>`, with the time when it was taken.
READ: Final = Script(
    _STAMP
    + """
local function is_held(lease, tail, longest_ms)
  if type(lease) ~= 'string' or string.sub(lease, -#tail) ~= tail then return false end
  local since = longest_ms and tonumber(string.match(lease, '\\n(%d+)\\n'))
  return not since or (since <= now and now - since < longest_ms)
end
local first_entry = home_count + 1 + (#KEYS - home_count - 1) / 2
local found = redis.call('MGET', KEYS[home_count + 1], unpack(KEYS, first_entry + 1))
read_versions(found[1], true)
local count = (#ARGV + 1 - first) / 5
local answers, useless, since = {now}, {}, nil
for i = 1, count do
  local token, lease_ms, newer, mode, places = unpack(ARGV, first + 5 * i - 5, first + 5 * i - 1)
  local raw, stamp = found[1 + i], stamp_of(places)
  local stored, fresh, sealed = 0, 0, false
  if raw then
    local s, f, its, value = string.match(raw, '^(%d+),(%d+),([^\\n]*)\\n(.*)$')
    if its == stamp and tonumber(s) <= now then stored, fresh, sealed = tonumber(s), tonumber(f), value end
  end
  if not sealed then useless[#useless + 1] = KEYS[first_entry + i] end
  local state, newer_ms = 3, tonumber(newer)
  if sealed and fresh > now and newer_ms >= 0 and stored >= newer_ms then
    state = 0
  elseif token ~= '' then
    since = since or string.format('\\n%.0f', now)
    local lease_key, tail = KEYS[home_count + 1 + i], '\\n' .. stamp
    local lease = token .. since .. tail
    state = 1
    if not redis.call('SET', lease_key, lease, 'PX', lease_ms, 'NX') then
      if is_held(redis.pcall('GET', lease_key), tail, tonumber(mode)) then
        state = 2
      else
        redis.call('SET', lease_key, lease, 'PX', lease_ms)
      end
    end
  end
  local a = 5 * i - 3
  answers[a], answers[a + 1], answers[a + 2], answers[a + 3], answers[a + 4] = state, stored, fresh, stamp, sealed
  if state == 0 and mode == 'last' then break end
end
if useless[1] then redis.call('UNLINK', unpack(useless)) end
return answers
"""
)

#: KEYS as of READ, and the time of the last purge. ARGV: the homes as of READ; then of each item: its number among
#: those of KEYS, lease token and time ('' for none), time of the reading, its stamp, fresh ms, kept ms, the places of
#: its versions, what is sealed. What is stored without a lease (a view, made of what was found) must have been looked
#: at after the purge; where there is a lease the purge has taken it.
#: Answers for each: 1 stored, 0 voided meanwhile.
STORE: Final = Script(
    _STAMP
    + """
local count = (#KEYS - home_count - 2) / 2
local found = redis.call('MGET', unpack(KEYS, home_count + 1, home_count + 1 + count))
read_versions(found[1], false)
local purge = redis.pcall('GET', KEYS[#KEYS])
local purged = type(purge) == 'string' and tonumber(string.match(purge, '^%d+')) or 0
local answers, ended = {}, {}
for i = 1, (#ARGV + 1 - first) / 8 do
  local start = first + 8 * i - 8
  local number, token, looked, stamp, fresh_ms, kept_ms, places, sealed = unpack(ARGV, start, start + 7)
  local is_valid = stamp_of(places) == stamp
  if token ~= '' then
    local is_mine = found[1 + number] == token .. '\\n' .. stamp
    if is_mine then ended[#ended + 1] = KEYS[home_count + 1 + number] end
    is_valid = is_valid and is_mine
  else
    is_valid = is_valid and tonumber(looked) > purged
  end
  if is_valid and kept_ms ~= '0' then
    local head = string.format('%.0f,%.0f,%s\\n', now, now + fresh_ms, stamp)
    redis.call('SET', KEYS[home_count + 1 + count + number], head .. sealed, 'PX', kept_ms)
  end
  answers[i] = is_valid and 1 or 0
end
if ended[1] then redis.call('UNLINK', unpack(ended)) end
return answers
"""
)

#: KEYS: homes of versions; ARGV of each: a field, its new version.
CHANGE: Final = Script(
    _KEEP_HOME
    + """
for i = 1, #KEYS do
  if redis.call('TYPE', KEYS[i]).ok ~= 'hash' then redis.call('UNLINK', KEYS[i]) end
  redis.call('HSET', KEYS[i], ARGV[2 * i - 1], ARGV[2 * i])
  keep_home(KEYS[i])
end
return 1
"""
)

#: KEYS: the time of the last purge, names that are dropped with it. ARGV: whose purge it is, ms for which it is under
#: way yet; 0 ends it, unless somebody else has begun one since.
PURGE: Final = Script(
    """
local time = redis.call('TIME')
local now, ahead = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
local last = redis.pcall('GET', KEYS[1])
local is_anothers = type(last) == 'string' and string.sub(last, -#ARGV[1]) ~= ARGV[1]
local ends_ms = type(last) == 'string' and tonumber(string.match(last, '^%d+')) or 0
if ahead > 0 or not (is_anothers and ends_ms > now) then
  redis.call('SET', KEYS[1], string.format('%.0f,', now + ahead) .. ARGV[1], 'PX', PURGE_MS)
end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
""".replace("PURGE_MS", str(PURGE_MS))
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

#: KEYS: an entry; ARGV: ms that it is fresh and kept from now on, if it would be longer. Answers 1, or 0 when there is
#: none.
EXPIRE: Final = Script(
    _TEXT
    + """
local raw, ms = text_at(KEYS[1]), tonumber(ARGV[1])
if not raw then return 0 end
local time, left = redis.call('TIME'), redis.call('PTTL', KEYS[1])
local ends_at = time[1] * 1000 + math.floor(time[2] / 1000) + ms
local stored, fresh, rest = string.match(raw, '^(%d+),(%d+)(,.*)$')
if ms > 0 and stored and tonumber(fresh) > ends_at then
  redis.call('SET', KEYS[1], stored .. string.format(',%.0f', ends_at) .. rest, 'KEEPTTL')
end
if left < 0 or ms < left then redis.call('PEXPIRE', KEYS[1], ms) end
return 1
"""
)
