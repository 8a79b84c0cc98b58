-- Gives attempts back to the queue: for shutdown (not charged) and for a retry (charged).
-- KEYS: 1 queue, 2 wake list
-- ARGV: 1 worker, 2 in-progress prefix, 3 retry prefix, 4 batch prefix,
--       then seven a job: id, attempt, delay (ms), charge (0 or 1), batch or '',
--       attempts list, entry for it or ''
-- The fraction in its score tells a released job from one whose lease has run out.
-- Returns the number released; an attempt that is not the current one is left alone.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local released = 0
for i = 5, #ARGV, 7 do
  local id, attempt, delay, charge, batch, attempts, entry = unpack(ARGV, i, i + 6)
  local held, current = unpack(redis.call('MGET', ARGV[2] .. id, ARGV[3] .. id))
  if current == attempt and (not held or held == ARGV[1] .. ':' .. attempt) then
    redis.call('DEL', ARGV[2] .. id)
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.1f', now + delay - 0.5), id)
    if entry ~= '' then
      redis.call('RPUSH', attempts, entry)
      redis.call('PEXPIRE', attempts, 86400000)
    end
    if charge == '0' then
      if attempt == '1' then redis.call('DEL', ARGV[3] .. id) else redis.call('DECR', ARGV[3] .. id) end
      if attempt == '1' and batch ~= '' and redis.call('TYPE', ARGV[4] .. batch).ok == 'hash' then
        redis.call('HINCRBY', ARGV[4] .. batch, 'running', -1)
      end
    end
    released = released + 1
  end
end
if released > 0 and redis.call('LLEN', KEYS[2]) == 0 then
  redis.call('RPUSH', KEYS[2], '1')
  redis.call('PEXPIRE', KEYS[2], 60000)
end
return released
