-- Cancels a batch, or some slots of it. Queued slots end here; running ones are asked to.
-- Parts: ending
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 by, 4 control channel,
--       5 slots as a JSON list, at most 500; none for the whole batch
-- The whole batch is only marked, and its running jobs asked: sweep ends what is queued.
-- Returns false for no such batch, else {size, ended here, asked to end, whether the batch ended
-- here, too late to stay for as long as was asked (1 or 0)}.
P = cjson.decode(ARGV[1])
local id, by, slots = ARGV[2], ARGV[3], cjson.decode(ARGV[5])
local batch = batch_of(id)
if not batch or not batch.expires then return false end
local size = batch.size

if #slots == 0 then
  local counts = redis.call('HMGET', P.batch .. id,
    'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')
  local left = size
  for _, count in ipairs(counts) do left = left - (count or 0) end
  if left > 0 then
    redis.call('HSETNX', P.batch .. id, 'cancelled_by', by)
    redis.call('PUBLISH', ARGV[4], cjson.encode({batch = id, by = by}))
  end
  return {size, 0, left, 0}
end

local ids, wanted, asked = {}, {}, {}
for i, slot in ipairs(slots) do
  ids[i] = string.format('%s:%.0f', id, slot)
  wanted[2 * i - 1], wanted[2 * i] = P.in_progress .. ids[i], P.retry .. ids[i]
end
local scores = redis.call('ZMSCORE', KEYS[1], unpack(ids))
local found = redis.call('MGET', unpack(wanted))
for i, job in ipairs(ids) do
  if scores[i] then
    local token, attempts = found[2 * i - 1], tonumber(found[2 * i] or 0) or 0
    if token then
      redis.call('HSETNX', KEYS[2], job, by)
      asked[#asked + 1] = job
    else
      end_job(id, batch, job, slots[i], attempts, cancelled(by))
    end
  end
end
local count = #members
local late = #flush_ended()
if #asked > 0 then
  redis.call('PEXPIRE', KEYS[2], 86400000)
  redis.call('PUBLISH', ARGV[4], cjson.encode({jobs = asked, by = by}))
end
return {size, count, #asked, late}
