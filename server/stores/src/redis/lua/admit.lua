-- One decision over every limit that applies: all of them admit, or none is touched. The algorithm is novai-core's
-- `limits::window`; the tests hold the two together.
--
-- KEYS: clock, open permits; then for each limit: its window, its running requests.
-- ARGV: id (empty: only look), earliest, latest, seed, seen, tokens, lease; then for each limit: rpm, tpm, concurrent (-1: none).
-- Returns: admitted, now, epoch; then for each limit: requests, tokens, running, and in microseconds: wait for requests,
-- wait for tokens (0: fits, -1: never), first and last release of requests, first and last release of tokens.
--
-- A window is a hash: r and t are its totals, o and n its oldest and newest bucket, and each bucket's number is a field
-- with `requests:tokens:last admission`.

local now, epoch = clock(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]))
local id, tokens, lease = ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[7])
local current = math.floor(now / BUCKET)

local function bucket(text)
  if not text then
    return { r = 0, t = 0, last = 0 }
  end
  local r, t, last = string.match(text, '^(%d+):(%d+):(%d+)$')
  return { r = tonumber(r), t = tonumber(t), last = tonumber(last) }
end

-- The buckets from number `from` to `to` as they are written, oldest first; false for one that is not there.
local function fetch(key, from, to)
  local numbers = {}
  for number = from, to do
    numbers[#numbers + 1] = int(number)
  end
  return #numbers > 0 and redis.call('HMGET', key, unpack(numbers)) or {}
end

-- The window without what has expired.
local function open(key)
  local head = redis.call('HMGET', key, 'r', 't', 'o', 'n')
  local w = { key = key, r = 0, t = 0, o = current, n = current, is_new = true, texts = {}, found = {} }
  if not head[1] then
    return w
  end
  local newest = tonumber(head[4])
  if (newest + 1) * BUCKET + WINDOW <= now then
    redis.call('DEL', key)
    return w
  end
  w.r, w.t, w.o, w.n, w.is_new = tonumber(head[1]), tonumber(head[2]), tonumber(head[3]), newest, false
  local oldest = w.o
  -- Later ones cannot have expired.
  local edge = math.min(w.n, math.floor((now - WINDOW) / BUCKET))
  for _, text in ipairs(fetch(key, w.o, edge)) do
    local old = bucket(text)
    -- 0: nothing was admitted in that half second.
    if old.last > 0 and old.last + WINDOW > now then
      break
    end
    w.o = w.o + 1
    if old.last > 0 then
      w.r, w.t = w.r - old.r, w.t - old.t
      redis.call('HDEL', key, int(w.o - 1))
    end
  end
  if w.o > w.n then
    redis.call('DEL', key)
    w.o, w.n, w.is_new = current, current, true
  elseif w.o > oldest then
    redis.call('HSET', key, 'r', int(w.r), 't', int(w.t), 'o', int(w.o))
  end
  return w
end

-- One bucket of the window. It is fetched with those that `direction` (1 or -1) leads to next, and understood alone: most
-- questions need one or two at an end. With all 120 of three busy windows a decision took 1.3 ms, with these 0.13.
local RUN = 4
local function at(w, number, direction)
  if w.found[number] then
    return w.found[number]
  end
  if w.texts[number] == nil then
    local from, to = number, math.min(number + RUN - 1, w.n)
    if direction < 0 then
      from, to = math.max(number - RUN + 1, w.o), number
    end
    for step, text in ipairs(fetch(w.key, from, to)) do
      w.texts[from + step - 1] = text
    end
  end
  w.found[number] = bucket(w.texts[number])
  return w.found[number]
end

-- The first bucket that has any, from `from` to `to`.
local function first_with(w, of, from, to, direction)
  for number = from, to, direction do
    local found = at(w, number, direction)
    if found[of] > 0 then
      return found
    end
  end
end

-- Until `amount` more fit below `limit`.
local function wait(w, of, limit, amount)
  if limit < 0 or w[of] + amount <= limit then
    return 0
  end
  if amount > limit then
    return -1
  end
  local excess, freed = w[of] + amount - limit, 0
  for number = w.o, w.n do
    local old = at(w, number, 1)
    freed = freed + old[of]
    if freed >= excess then
      return old.last + WINDOW - now
    end
  end
  return -1
end

-- Until the first and until the last of what is used leaves.
local function release(w, of)
  if w[of] == 0 then
    return 0, 0
  end
  local first, last = first_with(w, of, w.o, w.n, 1), first_with(w, of, w.n, w.o, -1)
  if not first then
    return 0, 0
  end
  return first.last + WINDOW - now, last.last + WINDOW - now
end

local windows, fits = {}, true
local count = (#KEYS - 2) / 2
for i = 1, count do
  local w = open(KEYS[1 + 2 * i])
  w.rpm, w.tpm, w.concurrent = tonumber(ARGV[5 + 3 * i]), tonumber(ARGV[6 + 3 * i]), tonumber(ARGV[7 + 3 * i])
  w.running_key, w.running = KEYS[2 + 2 * i], 0
  if w.concurrent >= 0 then
    -- Leases that nobody renewed: their gateway is gone.
    redis.call('ZREMRANGEBYSCORE', w.running_key, '-inf', int(now))
    w.running = redis.call('ZCARD', w.running_key)
  end
  w.wait_r, w.wait_t = wait(w, 'r', w.rpm, 1), wait(w, 't', w.tpm, tokens)
  fits = fits and w.wait_r == 0 and w.wait_t == 0 and (w.concurrent < 0 or w.running < w.concurrent)
  windows[i] = w
end

local admitted = fits and id ~= ''
if admitted then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', int(now))
  -- The score also says which bucket was taken from: settle.lua.
  redis.call('ZADD', KEYS[2], int(now + 2 * WINDOW), id)
  for _, w in ipairs(windows) do
    local is_rolled = w.is_new or w.n ~= current
    local newest = is_rolled and bucket() or at(w, current, -1)
    newest.r, newest.t, newest.last = newest.r + 1, newest.t + tokens, now
    w.r, w.t, w.n, w.found[current] = w.r + 1, w.t + tokens, current, newest
    local text = int(newest.r) .. ':' .. int(newest.t) .. ':' .. int(now)
    redis.call('HSET', w.key, 'r', int(w.r), 't', int(w.t), 'o', int(w.o), 'n', int(w.n), int(current), text)
    if is_rolled then
      -- Twice a window: Redis counts this down by its own clock, which may be set forward.
      redis.call('PEXPIRE', w.key, 2 * WINDOW / 1000)
    end
    if w.concurrent >= 0 then
      w.running = w.running + 1
      redis.call('ZADD', w.running_key, int(now + lease), id)
      redis.call('PEXPIRE', w.running_key, 2 * lease / 1000)
    end
  end
end

local reply = { admitted and 1 or 0, now, epoch }
for _, w in ipairs(windows) do
  local first_r, last_r = release(w, 'r')
  local first_t, last_t = release(w, 't')
  for _, number in ipairs({ w.r, w.t, w.running, w.wait_r, w.wait_t, first_r, last_r, first_t, last_t }) do
    reply[#reply + 1] = number
  end
end
return reply
