import { STEP_BACK_US_MAX } from './window.ts';

/** Stamps that have left the window, forgotten with each charged claim at most: more than can enter, so a list never grows by old ones. */
const POPPED_MAX = 8;
/** A list outlives its window by this much: for steps of the clock, and for a node that reads it a little later. */
const EXPIRY_SLACK_MS = 10_000;
/** How long a store that lost something waits for nodes that were there before: dead ones bring nothing back. */
const SEED_MS_MAX = 3000;
/** A node that was not heard of for so long is not counted. It tells every second. */
const NODE_US_MAX = 3_500_000;

/** What a shard of the store says instead of deciding. */
export const SHARD_STATUS = { ok: 0, lost: 1, seeding: 2, jumped: 3 } as const;

/**
 * Every script reads the clock of the server first: ARGV[1] stands instead of it in tests, or is ''. `skew` is what was subtracted because
 * the clock jumped ahead. KEYS[1] is the life of the shard, a hash: `run` the run id of the server that its stamps are whole for, `skew`, and
 * `seeding`, the time until which stamps of the nodes are waited for.
 */
const CLOCK = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local life = call('HMGET', KEYS[1], 'run', 'skew', 'seeding')
local clock
if ARGV[1] == '' then
  local time = call('TIME')
  clock = time[1] * 1000000 + time[2]
else
  clock = tonumber(ARGV[1])
end
clock = clock - (life[2] or 0)
`;

/**
 * The shared window, run by Redis in one piece: KEYS[2 …] are the lists of stamps (whole microseconds, oldest first) and the records of
 * repeated requests; ARGV[2] is the latest time that the node thinks possible, or 0; ARGV[3] the checks, packed as little-endian doubles:
 *
 *     check = claims · index of its record in KEYS, 0 for none, −1 for a look without a charge · claim…
 *     claim = index of its list in KEYS · limit · window in µs · cost · 1 for a dry run
 *
 * The answer is packed in the same way, and ends after the clock unless the status is ok:
 *
 *     status · clock · check…
 *     check = 1 when admitted, 0 when not, 2 more when this repeats the answer to a known request · time of the decision · view…
 *     view  = 1 when admitted · remaining · µs until admitted, −1 for never · µs until more remain
 *
 * Held to window.ts by test/support/limit-store-laws.ts. A list expires one window and some slack after its last stamp; expiry is moved on
 * once in a window, not with every stamp.
 */
export const WINDOW_SCRIPT = `${CLOCK}
if not life[1] then return pack('<dd', ${SHARD_STATUS.lost}, clock) end
if life[3] and clock < tonumber(life[3]) then return pack('<dd', ${SHARD_STATUS.seeding}, clock) end
local latest = tonumber(ARGV[2])
if latest > 0 and clock > latest then return pack('<dd', ${SHARD_STATUS.jumped}, clock) end

local function rebase(key, by)
  local stamps = call('LRANGE', key, 0, -1)
  call('DEL', key)
  for i = 1, #stamps do call('RPUSH', key, string.format('%.0f', stamps[i] - by)) end
end

-- How many of the stamps are after start. They ascend.
local function count_after(key, length, start)
  local low, high = 0, length
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if tonumber(call('LINDEX', key, -middle)) > start then low = middle else high = middle - 1 end
  end
  return low
end

local function view(key, limit, window, cost, now)
  local start = now - window
  local length = call('LLEN', key)
  local live = 0
  if length > 0 then
    if tonumber(call('LINDEX', key, 0)) > start then live = length else live = count_after(key, length, start) end
  end
  local admitted = live + cost <= limit
  local retry, reset = 0, 0
  if not admitted then
    if cost > limit then retry = -1 else retry = call('LINDEX', key, -(limit - cost + 1)) - start end
  end
  if live > 0 and limit > 0 then reset = call('LINDEX', key, -math.min(live, limit)) - start end
  return admitted, math.max(0, limit - live), retry, reset
end

local function charge(key, window, cost, now)
  local start = now - window
  local newest = call('LINDEX', key, -1)
  for i = 1, cost + ${POPPED_MAX} do
    local oldest = call('LINDEX', key, 0)
    if not oldest or tonumber(oldest) > start then break end
    call('LPOP', key)
  end
  local stamp = string.format('%.0f', now)
  for i = 1, cost do call('RPUSH', key, stamp) end
  if not newest or math.floor(newest / window) ~= math.floor(now / window) then
    call('PEXPIRE', key, math.ceil(2 * window / 1000) + ${EXPIRY_SLACK_MS})
  end
end

local input, at, out = ARGV[3], 1, { pack('<dd', ${SHARD_STATUS.ok}, clock) }
while at <= #input do
  local count, record
  count, record, at = unpack('<dd', input, at)
  local claims = {}
  for i = 1, count do
    local index, limit, window, cost, dry
    index, limit, window, cost, dry, at = unpack('<ddddd', input, at)
    claims[i] = { KEYS[index], limit, window, cost, dry == 1 }
  end
  local known = record > 0 and call('GET', KEYS[record]) or nil
  local left, till = 0, 0
  if known then till, left = unpack('<dd', known) end
  if till > clock and left > 0 then
    call('SETRANGE', KEYS[record], 8, pack('<d', left - 1))
    out[#out + 1] = string.sub(known, 17)
  else
    local now = clock
    for i = 1, count do
      local newest = tonumber(call('LINDEX', claims[i][1], -1) or 0)
      if newest - clock > ${STEP_BACK_US_MAX} then rebase(claims[i][1], newest - clock)
      elseif newest > now then now = newest end
    end
    local admitted, views, admits = true, {}, {}
    for i = 1, count do
      local claim = claims[i]
      local fits, remaining, retry, reset = view(claim[1], claim[2], claim[3], claim[4], now)
      admits[i] = fits
      if not fits and not claim[5] then admitted = false end
      views[i] = pack('<dddd', fits and 1 or 0, remaining, retry, reset)
    end
    if admitted and record >= 0 then
      for i = 1, count do
        if admits[i] then charge(claims[i][1], claims[i][3], claims[i][4], now) end
      end
    end
    local answer = pack('<dd', admitted and 1 or 0, now) .. table.concat(views)
    out[#out + 1] = answer
    if record > 0 and till <= clock then
      local again = pack('<d', admitted and 3 or 2) .. string.sub(answer, 9)
      call('SET', KEYS[record], pack('<dd', clock + 5000000, 4) .. again, 'PX', 6000)
    end
  end
end
return table.concat(out)
`;

/**
 * A node tells that it is there: KEYS[2] the nodes that stamps are waited for, a set; KEYS[3] when each node was last heard of, a sorted
 * set. ARGV[2] is its id, ARGV[3 …] the nodes that it knows. A server that was started anew, or a store that was emptied, is whole again
 * when all of them have brought their stamps, or ${SEED_MS_MAX} ms later.
 *
 * Answer: run id · clock · 1 when this node is waited for · 1 while any is · number of live nodes · place of this one among them.
 */
export const JOIN_SCRIPT = `${CLOCK}
local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local id = ARGV[2]
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', clock - ${NODE_US_MAX})
call('ZADD', KEYS[3], clock, id)
if life[1] ~= run then
  local till = string.format('%.0f', clock + ${SEED_MS_MAX * 1000})
  call('HSET', KEYS[1], 'run', run, 'seeding', till)
  call('DEL', KEYS[2])
  for i = 2, #ARGV do call('SADD', KEYS[2], ARGV[i]) end
  life[3] = till
end
local nodes = call('ZRANGE', KEYS[3], 0, -1)
table.sort(nodes)
local place = 0
for i = 1, #nodes do if nodes[i] == id then place = i - 1 end end
local seeding = life[3] and clock < tonumber(life[3])
return { run, string.format('%.0f', clock), call('SISMEMBER', KEYS[2], id), seeding and 1 or 0, place, nodes }
`;

/**
 * A node brings its own stamps: KEYS[2] as above, KEYS[3 …] lists; ARGV[2] its id, ARGV[3] '1' when these are the last; ARGV[4] packed
 * doubles: for each list window in µs · count · stamps, ascending. Stamps that the list has already are not brought twice: of each time at
 * most as many copies are added as are missing, and a time is one script's and so one node's.
 */
export const SEED_SCRIPT = `${CLOCK}
local at = 1
for index = 3, #KEYS do
  local window, count
  window, count, at = unpack('<dd', ARGV[4], at)
  local held = {}
  local stamps = call('LRANGE', KEYS[index], 0, -1)
  for i = 1, #stamps do
    stamps[i] = tonumber(stamps[i])
    held[stamps[i]] = (held[stamps[i]] or 0) + 1
  end
  local before = #stamps
  for i = 1, count do
    local stamp
    stamp, at = unpack('<d', ARGV[4], at)
    if (held[stamp] or 0) > 0 then held[stamp] = held[stamp] - 1
    elseif stamp > clock - window then stamps[#stamps + 1] = stamp end
  end
  if #stamps > before then
    table.sort(stamps)
    call('DEL', KEYS[index])
    for i = 1, #stamps do call('RPUSH', KEYS[index], string.format('%.0f', stamps[i])) end
    call('PEXPIRE', KEYS[index], math.ceil(2 * window / 1000) + ${EXPIRY_SLACK_MS})
  end
end
if ARGV[3] == '1' then
  call('SREM', KEYS[2], ARGV[2])
  if call('SCARD', KEYS[2]) == 0 then call('HDEL', KEYS[1], 'seeding') end
end
return 1
`;

/** The clock of the server is ahead of what a node's own clock allows by ARGV[2] µs: subtracted, unless the skew is no longer ARGV[3]. */
export const SKEW_SCRIPT = `
local skew = redis.call('HGET', KEYS[1], 'skew') or '0'
if skew ~= ARGV[3] then return skew end
redis.call('HSET', KEYS[1], 'skew', string.format('%.0f', skew + ARGV[2]))
return string.format('%.0f', skew + ARGV[2])
`;

/** Takes charges back: KEYS the lists, ARGV[1] the stamp, ARGV[2 …] how many copies of it leave each list. */
export const CANCEL_SCRIPT = `
for i = 1, #KEYS do redis.call('LREM', KEYS[i], '-' .. ARGV[i + 1], ARGV[1]) end
return 1
`;
