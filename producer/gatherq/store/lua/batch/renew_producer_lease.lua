-- Renews the lease that a producer holds on its batch.
-- Include: clock, values, access, events, error_groups, batch
-- KEYS: queue, batch_key
-- ARGV: batch_id
-- Returns 1; 0 where there is no lease to renew: it was given up, or had expired and the batch was
-- cancelled, or the batch has ended or is gone.
local batch = batch_of(batch_id)
if not batch or not batch.alive or not batch.lease or batch.by or batch.left <= 0 then return 0 end
begin_writing()
redis.call('HSET', batch_key, 'leased', digits(now + batch.lease))
return 1
