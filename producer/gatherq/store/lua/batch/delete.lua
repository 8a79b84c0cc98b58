-- Removes a batch with all its jobs, in chunks of slots; the batch's own keys go with the last one.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch, gates
-- KEYS: queue, cancel_marks, batch_key, wake
-- ARGV: batch_id, first, n, by, channel, batch_index, events
-- first, n: the chunk of slots, at most 500. by: who removes it, for the event.
-- After the first chunk the batch is gone for collectors: nothing of it is claimed, its running jobs are
-- asked to end, and no outcome of theirs is recorded. Repeating a chunk changes nothing.
-- Returns the size; 0 for no such batch.
local fields = read('HMGET', batch_key, 'size', 'deleting') or {}
local size = whole(fields[1]) or whole(fields[2]) or 0
local last = math.min(first + n, size) - 1
local ids, names = {}, {}
for slot = tonumber(first), last do
  local id = string.format('%s:%.0f', batch_id, slot)
  ids[#ids + 1] = id
  for _, each in ipairs({prefix.job, prefix.in_progress, prefix.retry, prefix.result, prefix.attempts}) do
    names[#names + 1] = each .. id
  end
end
if fields[1] then
  redis.call('HDEL', batch_key, 'size', 'expires')
  redis.call('HSET', batch_key, 'deleting', digits(size), 'cancelled_by', 'deletion')
  redis.call('PUBLISH', channel, cjson.encode({batch = batch_id, by = 'deletion'}))
  if note('ZREM', batch_index, batch_id) == 1 then
    event('deleted', 'batch', batch_id, 'by', by, 'n', digits(size))
  end
end
if #ids > 0 then
  redis.call('UNLINK', unpack(names))
  try('ZREM', queue, unpack(ids))
  try('HDEL', cancel_marks, unpack(ids))
  gate_keeper(ids)
end
if last == size - 1 then
  redis.call('UNLINK', batch_key, prefix.done .. batch_id, prefix.digests .. batch_id)
  for _, each in ipairs({prefix.errors, prefix.again}) do note('UNLINK', each .. batch_id) end
end
write_batches(1, 20)
return size
