-- Renews the lease that a producer holds on its batch.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch
-- KEYS: queue, batch_key, wake
-- ARGV: batch_id
-- Returns 1; 0 where there is no lease to renew: it was given up, or had expired and the batch was
-- cancelled, or the batch has ended or is gone.
local batch = batch_of(batch_id)
if not batch or not batch.alive or not batch.lease or batch.by or batch.left <= 0 then return 0 end
begin_writing()
redis.call('HSET', batch_key, 'leased', digits(now + batch.lease))
return 1
