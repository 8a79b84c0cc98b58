-- Sets the lifetime of a batch anew: an ended one stays for as long as its producer asked, an
-- unfinished one for as long as it may take. Slots come in chunks, and the batch itself with the
-- last one, so that no slot expires before the batch.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch
-- KEYS: queue, batch_key, wake
-- ARGV: batch_id, first, n, expires, stay, by, events
-- first, n: the chunk of slots, at most 500. expires: what the call for the chunk before returned (ms), ''
-- in the first. stay: how long (ms) the batch is to stay after its end from now on, or ''; by: who says so.
-- Returns {number of slots that were written, new expiry (ms)}; {0, ''} for no such batch.
local batch = batch_of(batch_id)
if not batch or not batch.alive then return {0, ''} end
local fresh = expires == ''
if stay ~= '' then batch.keep = whole(stay) or batch.keep end
expires = whole(expires)
if not expires then
  local least = batch.left > 0 and math.max(batch.keep, LEAST_LIFE) or batch.keep
  expires = now + math.floor(least * 9 / 8)
end
local written = math.min(batch.written, batch.size) -- later slots have no keys yet
local last = math.min(first + n, written) - 1
begin_writing()
if fresh then redis.call('HSET', batch_key, 'expires', digits(expires)) end
if fresh and stay ~= '' then
  redis.call('HSET', batch_key, 'keep', digits(batch.keep))
  if is_listed(batch) then event('kept', 'batch', batch_id, 'by', by, 'n', digits(batch.size)) end
end
for slot = tonumber(first), last do
  local job = string.format('%s:%.0f', batch_id, slot)
  for _, each in ipairs({prefix.result, prefix.job, prefix.attempts}) do
    redis.call('PEXPIREAT', each .. job, digits(expires))
  end
end
if last == written - 1 then
  for _, each in ipairs({prefix.batch, prefix.done, prefix.digests}) do
    redis.call('PEXPIREAT', each .. batch_id, digits(expires))
  end
  for _, each in ipairs({prefix.errors, prefix.again}) do note('PEXPIREAT', each .. batch_id, digits(expires)) end
end
return {written, digits(expires)}
