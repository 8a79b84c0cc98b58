-- Removes all that there is of a batch, in runs of slots; its own keys go with the last run.
-- Include: safe
-- KEYS: 1 queue, 2 cancel marks, 3 batch hash
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500,
--       5 control channel
-- From the first run on the batch is gone for collectors, nothing of it is claimed, its running jobs
-- are asked to end, and what finishes late is not recorded. Repeating a run changes nothing.
-- Returns the size, 0 for no such batch.
local found = read('HMGET', KEYS[3], 'size', 'deleting') or {}
local size = whole(found[1]) or whole(found[2]) or 0
local last = math.min(ARGV[3] + ARGV[4], size) - 1
local ids, names = {}, {}
for slot = tonumber(ARGV[3]), last do
  local id = string.format('%s:%.0f', ARGV[2], slot)
  ids[#ids + 1] = id
  for _, name in ipairs({'job', 'in_progress', 'retry', 'result', 'attempts'}) do
    names[#names + 1] = P[name] .. id
  end
end
if found[1] then
  redis.call('HDEL', KEYS[3], 'size', 'expires')
  redis.call('HSET', KEYS[3], 'deleting', ms(size), 'cancelled_by', 'deletion')
  redis.call('PUBLISH', ARGV[5], cjson.encode({batch = ARGV[2], by = 'deletion'}))
end
if #ids > 0 then
  redis.call('UNLINK', unpack(names))
  try('ZREM', KEYS[1], unpack(ids))
  try('HDEL', KEYS[2], unpack(ids))
end
if last == size - 1 then
  redis.call('UNLINK', KEYS[3], P.done .. ARGV[2], P.digests .. ARGV[2])
end
return size
