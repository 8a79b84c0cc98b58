-- Queues ended slots again, in slot order, and adds their outcomes to the lists of their attempts. A
-- completion `redriven` takes their earlier completion back.
-- Include: clock, values, access, wake, batch, request_replay
-- KEYS: queue, wake
-- ARGV: prefixes, batch_id, is_first, request, channel, ...slots
-- is_first: whether this is the first chunk of slots (1 or 0): it lifts the batch's cancellation and its
-- producer lease, and starts its deadline anew. request: an id of this request.
-- slots: for each: slot, attempts so far, status, head of its result, number of entries for the list of
-- its attempts, these entries (JSON).
-- A slot with another result, or without data, is left alone.
-- Returns the number of slots that are queued again; -1 for no such batch; the same again for the same
-- request.
local batch = batch_of(batch_id)
if not batch or not batch.alive or batch.elsewhere then return -1 end
local before = answer_before(batch_id, request)
if before then return before[1] end

-- Where the end of a job's data begins. It is overwritten with a new time of enqueueing, and with the
-- number of attempts before the redrive.
local function end_of(id)
  local key = prefix.job .. id
  local tail = read('GETRANGE', key, -64, -1) or ''
  local at = string.match(tail, '^.*(),"et":%d+}$') or string.match(tail, '^.*(),"et":%d+,"base":%d+}$')
  return at and redis.call('STRLEN', key) - #tail + at - 1
end

local jobs, i = {}, before_slots + 1
while i <= #ARGV do
  local slot, attempts, status, head, many = unpack(ARGV, i, i + 4)
  local id = batch_id .. ':' .. slot
  local at = read('GETRANGE', prefix.result .. id, 0, #head - 1) == head and end_of(id)
  if at then
    jobs[#jobs + 1] = {id, slot, tonumber(attempts), status, at, {unpack(ARGV, i + 5, i + 4 + many)}}
  end
  i = i + 5 + many
end

if is_first == '1' then
  redis.call('HDEL', prefix.batch .. batch_id, 'cancelled_by', 'lease', 'leased', 'patient')
  batch.by = nil
  if batch.limit then change(batch, 'deadline', digits(now + batch.limit)) end
end
local entries = {}
for n, job in ipairs(jobs) do
  local id, slot, attempts, status, at, history = unpack(job)
  redis.call('SETRANGE', prefix.job .. id, at, string.format(',"et":%.0f,"base":%d}', now, attempts))
  if #history > 0 then
    write('RPUSH', prefix.attempts .. id, unpack(history))
    redis.call('PEXPIREAT', prefix.attempts .. id, digits(batch.expires))
  end
  redis.call('DEL', prefix.result .. id)
  if attempts > 0 then
    redis.call('SET', prefix.retry .. id, attempts, 'PX', RETRY_TTL)
    count(batch, 'running', 1) -- as of any job that waits for another attempt
  end
  entries[#entries + 1], entries[#entries + 2] = string.format('%.3f', now - 1 + n / 1000), id
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, 'redriven'
  count(batch, status, -1)
end
if #entries > 0 then
  write('ZADD', queue, unpack(entries))
  wake_worker()
end
remember_answer(batch, request, {#jobs})
write_batches()
return #jobs
