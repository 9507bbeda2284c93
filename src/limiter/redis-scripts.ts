import { STEP_BACK_US_MAX } from './window.ts';

/** Stamps that are read with one command; of a larger limit those that matter are looked up in pieces. */
const FETCHED_MAX = 512;
/** A window forgets what has left it when that is an eighth of what is in it, and so much more: a copy of 64 bytes for each stamp. */
const KEPT_TOO_MUCH = 1.125;
const SLACK = 16;
/** Stamps that are read first of the old end of a large window. */
const PIECE = 64;
/** Answers remembered in five seconds, at most: a repetition of one that is not is charged again. */
export const REMEMBERED_MAX = 50_000;
/** A window is kept so much longer than its last stamp counts: for steps of the clock, and for a node that reads it a little later. */
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
 * `seeding`, the time until which stamps of the nodes are waited for; `replays`, which five seconds and how many answers were remembered then.
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
 * Functions on windows. A window is a string of stamps, little-endian doubles of whole microseconds, oldest first: one command reads all of
 * it that matters, one appends, and half the calls of a list are what makes a decision cheap.
 */
const WINDOWS = `
local sub = string.sub

-- The n-th latest stamp, or nil.
local function latest(key, n)
  local bytes = call('GETRANGE', key, -8 * n, -8 * n + 7)
  if #bytes == 8 then return (unpack('<d', bytes)) end
end

local function map(key, change)
  local bytes, out = call('GET', key) or '', {}
  for at = 1, #bytes, 8 do out[#out + 1] = change((unpack('<d', bytes, at)), sub(bytes, at, at + 7)) end
  if #out > 0 then call('SET', key, table.concat(out), 'KEEPTTL') else call('DEL', key) end
end
`;

/**
 * The shared window, run by Redis in one piece: KEYS[2 …] are the windows and the records of repeated requests; ARGV[2] is the latest time
 * that the node thinks possible, or 0; ARGV[3] the checks, packed as little-endian doubles:
 *
 *     check = claims · index of its record in KEYS, 0 for none, −1 for a look without a charge · claim…
 *     claim = index of its window in KEYS · limit · window in µs · cost · 1 for a dry run
 *
 * The answer is packed in the same way, and ends after the clock unless the status is ok:
 *
 *     status · clock · check…
 *     check = 1 when admitted, 0 when not, 2 more when this repeats the answer to a known request · time of the decision · view…
 *     view  = 1 when admitted · remaining · µs until admitted, −1 for never · µs until more remain
 *
 * Held to window.ts by test/support/limit-store-laws.ts. A window expires one window and some slack after its last stamp; expiry is moved on
 * once in a window, not with every stamp.
 */
export const WINDOW_SCRIPT = `${CLOCK}${WINDOWS}
if not life[1] then return pack('<dd', ${SHARD_STATUS.lost}, clock) end
if life[3] and clock < tonumber(life[3]) then return pack('<dd', ${SHARD_STATUS.seeding}, clock) end
local last_possible = tonumber(ARGV[2])
if last_possible > 0 and clock > last_possible then return pack('<dd', ${SHARD_STATUS.jumped}, clock) end

-- Of the claims of the check that is decided: the newest stamps of each and how many they are, how many there are in all (none beyond the
-- limit counts), the newest, and how many are in the window.
local keys, limits, windows, costs, dry, stamps, fetched, counts, newests, lives = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}

-- Redis writes a number that is an argument with printf: that takes longer than the command, so texts are kept.
local texts = {}
local function text(number)
  local known = texts[number]
  if not known then
    known = string.format('%.0f', number)
    texts[number] = known
  end
  return known
end

local function fetch(i)
  local key, limit = keys[i], limits[i]
  local bytes, count
  if limit <= ${FETCHED_MAX} then
    bytes = call('GETRANGE', key, text(limit > 0 and -8 * limit or -8), '-1')
    count = #bytes / 8
    fetched[i] = count
  else
    bytes = call('GETRANGE', key, '-8', '-1')
    count = #bytes > 0 and math.min(call('STRLEN', key) / 8, limit) or 0
    fetched[i] = #bytes / 8
  end
  stamps[i], counts[i] = bytes, count
  newests[i] = count > 0 and unpack('<d', bytes, #bytes - 7) or nil
end

local function latest_of(i, n)
  local held = fetched[i]
  if n <= held then return (unpack('<d', stamps[i], 8 * (held - n) + 1)) end
  return latest(keys[i], n)
end

-- How many of the newest stamps are in the window. They ascend, and few are old: the old end is read in growing pieces.
local function count_live(i, start)
  local high = counts[i]
  if high == 0 or newests[i] <= start then return 0 end
  local bytes, size = stamps[i], fetched[i]
  if size < high then
    size = ${PIECE}
    while true do
      size = math.min(size, high)
      bytes = call('GETRANGE', keys[i], text(-8 * high), text(-8 * (high - size) - 1))
      if size == high or unpack('<d', bytes, #bytes - 7) > start then break end
      high, size = high - size, size * 4
    end
  end
  -- The last of these is in the window: the first that is.
  local low, top = 1, size
  while low < top do
    local middle = math.floor((low + top) / 2)
    if unpack('<d', bytes, 8 * middle - 7) > start then top = middle else low = middle + 1 end
  end
  return high - low + 1
end

local function charge(i, now)
  local key, cost, window, live = keys[i], costs[i], windows[i], lives[i]
  local stamp = pack('<d', now)
  local length = call('APPEND', key, cost == 1 and stamp or string.rep(stamp, cost)) / 8
  local kept = live + cost
  if length > kept * ${KEPT_TOO_MUCH} + ${SLACK} then call('SET', key, call('GETRANGE', key, text(-8 * kept), '-1'), 'KEEPTTL') end
  local newest = newests[i]
  if not newest or math.floor(newest / window) ~= math.floor(now / window) then
    call('PEXPIRE', key, math.ceil(2 * window / 1000) + ${EXPIRY_SLACK_MS})
  end
end

-- How many answers were remembered in these five seconds stands in the life of the shard; read and written once for a script.
local period, remembered = math.floor(clock / 5000000), nil
local function may_remember()
  if not remembered then
    local known, count = string.match(call('HGET', KEYS[1], 'replays') or '', '^(%d+) (%d+)$')
    remembered = tonumber(known) == period and tonumber(count) or 0
  end
  if remembered >= ${REMEMBERED_MAX} then return false end
  remembered = remembered + 1
  return true
end

local input, at, out = ARGV[3], 1, { pack('<dd', ${SHARD_STATUS.ok}, clock) }
while at <= #input do
  local count, record
  count, record, at = unpack('<dd', input, at)
  for i = 1, count do
    local index, is_dry
    index, limits[i], windows[i], costs[i], is_dry, at = unpack('<ddddd', input, at)
    keys[i], dry[i] = KEYS[index], is_dry == 1
  end
  local known = record > 0 and call('GET', KEYS[record]) or nil
  local left, till = 0, 0
  if known then till, left = unpack('<dd', known) end
  if till > clock and left > 0 then
    call('SETRANGE', KEYS[record], 8, pack('<d', left - 1))
    out[#out + 1] = sub(known, 17)
  else
    local now = clock
    for i = 1, count do
      fetch(i)
      local newest = newests[i]
      if newest and newest - clock > ${STEP_BACK_US_MAX} then
        map(keys[i], function(stamp) return pack('<d', stamp - (newest - clock)) end)
        fetch(i)
      elseif newest and newest > now then now = newest end
    end
    local admitted, views = true, ''
    for i = 1, count do
      local limit, cost, start = limits[i], costs[i], now - windows[i]
      local live = limit > 0 and count_live(i, start) or 0
      local fits = live + cost <= limit
      local retry, reset = 0, 0
      if not fits then
        if not dry[i] then admitted = false end
        if cost > limit then retry = -1 else retry = latest_of(i, limit - cost + 1) - start end
      end
      if live > 0 then reset = latest_of(i, live) - start end
      -- False instead of a number: this claim is not charged.
      lives[i] = fits and live
      views = views .. pack('<dddd', fits and 1 or 0, limit - live, retry, reset)
    end
    if admitted and record >= 0 then
      for i = 1, count do
        if lives[i] then charge(i, now) end
      end
    end
    out[#out + 1] = pack('<dd', admitted and 1 or 0, now) .. views
    if record > 0 and till <= clock and may_remember() then
      local again = pack('<dd', admitted and 3 or 2, now) .. views
      call('SET', KEYS[record], pack('<dd', clock + 5000000, 4) .. again, 'PX', 6000)
    end
  end
end
if remembered then call('HSET', KEYS[1], 'replays', string.format('%.0f %.0f', period, remembered)) end
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
 * A node brings its own stamps: KEYS[2] as above, KEYS[3 …] windows; ARGV[2] its id, ARGV[3] '1' when these are the last; ARGV[4] packed
 * doubles: for each of them its length in µs · count · stamps, ascending. Stamps that it has already are not brought twice: of each time at
 * most as many copies are added as are missing, and a time is one script's and so one node's.
 */
export const SEED_SCRIPT = `${CLOCK}
local at = 1
for index = 3, #KEYS do
  local window, count
  window, count, at = unpack('<dd', ARGV[4], at)
  local held, stamps = {}, {}
  local bytes = call('GET', KEYS[index]) or ''
  for place = 1, #bytes, 8 do
    local stamp = unpack('<d', bytes, place)
    stamps[#stamps + 1] = stamp
    held[stamp] = (held[stamp] or 0) + 1
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
    for i = 1, #stamps do stamps[i] = pack('<d', stamps[i]) end
    call('SET', KEYS[index], table.concat(stamps), 'PX', math.ceil(2 * window / 1000) + ${EXPIRY_SLACK_MS})
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

/** Takes charges back: KEYS the windows, ARGV[1] the stamp, ARGV[2 …] how many copies of it leave each. */
export const CANCEL_SCRIPT = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
${WINDOWS}
local charged = pack('<d', tonumber(ARGV[1]))
for i = 1, #KEYS do
  local left = tonumber(ARGV[i + 1])
  map(KEYS[i], function(_, bytes)
    if left > 0 and bytes == charged then
      left = left - 1
      return ''
    end
    return bytes
  end)
end
return 1
`;
