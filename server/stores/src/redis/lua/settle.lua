-- Ends a permit: gives its concurrent slots back and corrects its tokens in the bucket they were taken from. Twice is once.
--
-- KEYS: open permits; then for each limit: its window, its running requests.
-- ARGV: id, tokens reserved, tokens used, requests to give back (1 if the request was not admitted after all).

local WINDOW = 60000000
local BUCKET = 500000

local id, reserved, used, requests = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 3, #KEYS, 2 do
  redis.call('ZREM', KEYS[i], id)
end
local score = redis.call('ZSCORE', KEYS[1], id)
if not score then
  return 0
end
redis.call('ZREM', KEYS[1], id)
if reserved == used and requests == 0 then
  return 1
end
local number = string.format('%.0f', math.floor((tonumber(score) - 2 * WINDOW) / BUCKET))
for i = 2, #KEYS, 2 do
  local text = redis.call('HGET', KEYS[i], number)
  -- Expired: nothing is left to correct.
  if text then
    local r, t, last = string.match(text, '^(%d+):(%d+):(%d+)$')
    local new_r, new_t = math.max(0, r - requests), math.max(0, t - reserved) + used
    redis.call('HSET', KEYS[i], number, string.format('%.0f:%.0f:%s', new_r, new_t, last))
    redis.call('HINCRBY', KEYS[i], 'r', string.format('%.0f', new_r - r))
    redis.call('HINCRBY', KEYS[i], 't', string.format('%.0f', new_t - t))
  end
end
return 1
