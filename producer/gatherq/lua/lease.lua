-- Renews the lease that a producer holds on its batch.
-- KEYS: 1 batch hash
-- Returns 1; 0 where there is no lease to renew: given up, expired and noticed, batch ended or gone.
local found = redis.call('HMGET', KEYS[1], 'lease', 'cancelled_by', 'size',
  'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')
local lease, left = found[1], tonumber(found[3] or 0)
for i = 4, 8 do left = left - (found[i] or 0) end
if not lease or found[2] or left <= 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'leased', string.format('%.0f', now + lease))
return 1
