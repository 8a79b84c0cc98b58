-- Renews the lease that a producer holds on its batch.
-- Include: safe, batch
-- KEYS: 1 batch hash
-- ARGV: 1 prefixes (JSON), 2 batch id
-- Returns 1; 0 where there is no lease to renew: given up, expired and noticed, batch ended or gone.
local batch = batch_of(ARGV[2])
if not batch or not batch.alive or not batch.lease or batch.by or batch.left <= 0 then return 0 end
begin_writing()
redis.call('HSET', P.batch .. ARGV[2], 'leased', ms(now + batch.lease))
return 1
