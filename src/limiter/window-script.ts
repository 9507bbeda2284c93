import { STEP_BACK_US_MAX } from './window.ts';

/** Stamps that have left the window, forgotten with each charged claim at most: more than can enter, so a list never grows by old ones. */
const POPPED_MAX = 8;
/** A list outlives its window by this much: for steps of the clock, and for a node that reads it a little later. */
const EXPIRY_SLACK_MS = 10_000;

/**
 * The shared window, run by Redis in one piece: KEYS are the lists of stamps (whole microseconds, oldest first) and the records of
 * repeated requests; ARGV[1] is a time instead of the server's own, for tests, or ''; ARGV[2] the checks, packed as little-endian doubles:
 *
 *     check = claims · index of its record in KEYS, 0 for none, −1 for a look without a charge · claim…
 *     claim = index of its list in KEYS · limit · window in µs · cost · 1 for a dry run
 *
 * The answer is packed in the same way:
 *
 *     check = 1 when admitted · time of the decision · view…
 *     view  = 1 when admitted · remaining · µs until admitted, −1 for never · µs until more remain
 *
 * Held to window.ts by test/support/limit-store-laws.ts. A list expires one window and some slack after its last stamp; expiry is moved on
 * once in a window, not with every stamp.
 */
export const WINDOW_SCRIPT = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local clock
if ARGV[1] == '' then
  local time = call('TIME')
  clock = time[1] * 1000000 + time[2]
else
  clock = tonumber(ARGV[1])
end

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

local input, at, out = ARGV[2], 1, {}
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
      call('SET', KEYS[record], pack('<dd', clock + 5000000, 4) .. answer, 'PX', 6000)
    end
  end
end
return table.concat(out)
`;
