-- The sign of life of a worker that has found nothing to do: it has no leases to renew.
-- KEYS: workers. ARGV: worker. After: clock, access.

-- Signs, also where the list of workers was flushed. Where all writes are refused, who asks is answered all the same.
local function sign_of_life()
  redis.pcall('DEL', prefix.retry) -- deletes nothing: after it a full server takes the sign
  redis.pcall('ZADD', workers, string.format('%.0f', now), worker)
  redis.pcall('PEXPIRE', workers, WORKERS_TTL)
end
