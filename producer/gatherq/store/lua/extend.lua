-- Sets anew how long a batch stays: an ended one for as long as was asked, an unfinished one for as
-- long as it may take; slots in runs, the batch itself with the last, so that no slot is gone before.
-- Include: safe, batch
-- KEYS: 1 batch hash
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500,
--       5 new expiry (ms) or '' to begin
-- Returns {number of slots that were written, new expiry (ms)}; 0 where there is no such batch.
local id, batch = ARGV[2], batch_of(ARGV[2])
if not batch or not batch.alive then return {0, ''} end
local expires = whole(ARGV[5])
if not expires then
  local stay = batch.left > 0 and math.max(batch.keep, LEAST_LIFE) or batch.keep
  expires = now + math.floor(stay * 9 / 8)
end
local written = math.min(batch.written, batch.size) -- what was not has nothing that could stay
local last = math.min(ARGV[3] + ARGV[4], written) - 1
begin_writing()
if ARGV[5] == '' then redis.call('HSET', P.batch .. id, 'expires', ms(expires)) end
for slot = tonumber(ARGV[3]), last do
  local job = string.format('%s:%.0f', id, slot)
  for _, name in ipairs({'result', 'job', 'attempts'}) do
    redis.call('PEXPIREAT', P[name] .. job, ms(expires))
  end
end
if last == written - 1 then
  for _, name in ipairs({'batch', 'done', 'digests'}) do
    redis.call('PEXPIREAT', P[name] .. id, ms(expires))
  end
end
return {written, ms(expires)}
