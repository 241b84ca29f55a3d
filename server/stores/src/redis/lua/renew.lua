-- Keeps the concurrent slots of requests that still run.
--
-- KEYS: clock; then one key of running requests for each id.
-- ARGV: earliest, latest, seed, seen, lease; then the ids.

local now = clock(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]))
local lease = tonumber(ARGV[5])
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], int(now + lease), ARGV[4 + i])
  redis.call('PEXPIRE', KEYS[i], 2 * lease / 1000)
end
return #KEYS - 1
