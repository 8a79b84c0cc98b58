-- Sets the lifetime of a batch anew: an ended one stays for as long as its producer asked, an
-- unfinished one for as long as it may take. Slots come in chunks, and the batch itself with the
-- last one, so that no slot expires before the batch.
-- Include: clock, values, access, batch
-- KEYS: queue, batch_key
-- ARGV: prefixes, batch_id, first, n, expires
-- first, n: the chunk of slots, at most 500. expires: what the call for the chunk before returned (ms), ''
-- in the first.
-- Returns {number of slots that were written, new expiry (ms)}; {0, ''} for no such batch.
local batch = batch_of(batch_id)
if not batch or not batch.alive then return {0, ''} end
local fresh = expires == ''
expires = whole(expires)
if not expires then
  local stay = batch.left > 0 and math.max(batch.keep, LEAST_LIFE) or batch.keep
  expires = now + math.floor(stay * 9 / 8)
end
local written = math.min(batch.written, batch.size) -- later slots have no keys yet
local last = math.min(first + n, written) - 1
begin_writing()
if fresh then redis.call('HSET', batch_key, 'expires', digits(expires)) end
for slot = tonumber(first), last do
  local job = string.format('%s:%.0f', batch_id, slot)
  for _, name in ipairs({'result', 'job', 'attempts'}) do
    redis.call('PEXPIREAT', prefix[name] .. job, digits(expires))
  end
end
if last == written - 1 then
  for _, name in ipairs({'batch', 'done', 'digests'}) do
    redis.call('PEXPIREAT', prefix[name] .. batch_id, digits(expires))
  end
end
return {written, digits(expires)}
