-- The time of all windows, in microseconds. In front of every script that needs it.
--
-- Redis' own clock may be set back or forward while it runs. So its readings only say how much time has passed since the
-- last call, and that is held between what the caller's steady clock proves: since its last answer at least
-- (now - received) has passed, and at most (now - sent) plus the time a call may take. A reading beyond that comes from a
-- clock that was set, and counts for nothing. Time never goes back.

local WINDOW = 60000000
local BUCKET = 500000

-- Lua would write 1.7e+15.
local function int(number)
  return string.format('%.0f', number)
end

-- `latest` is -1 where the caller has had no answer yet. `seed` names the data: it comes back unless the data were lost.
-- `seen` is the time of the caller's last answer (0: none). Data in which it has not yet been that time are older ones, as a
-- Redis has that was restarted with what it had saved some time ago: they get a new name.
local function clock(key, earliest, latest, seed, seen)
  local time = redis.call('TIME')
  local source = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local last = redis.call('HMGET', key, 'now', 'source', 'epoch')
  local now, epoch = source, seed
  if last[1] then
    now = tonumber(last[1]) + math.max(0, source - tonumber(last[2]))
    epoch = tonumber(last[1]) < seen and seed or last[3]
  end
  if latest >= 0 and now > latest then
    now = earliest
  end
  now = math.max(now, earliest, tonumber(last[1] or 0))
  redis.call('HSET', key, 'now', int(now), 'source', int(source), 'epoch', epoch)
  return now, epoch
end
