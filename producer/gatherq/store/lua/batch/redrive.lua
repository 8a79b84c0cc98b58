-- Queues ended slots again, in slot order, and adds their outcomes to the lists of their attempts. A
-- completion `redriven` takes their earlier completion back.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch,
--   request_replay
-- KEYS: queue, wake
-- ARGV: batch_id, is_first, request, by, chosen, channel, events, ...slots
-- is_first: whether no chunk before has queued a slot (1 or 0): then it lifts the batch's cancellation and
-- its producer lease, and starts its deadline anew. The first that queues one begins a new generation, and
-- keeps the error groups as they stood. request: an id of this request.
-- by, chosen: who asks for it, and for how many slots, for the event.
-- slots: for each: slot, attempts so far, status, head of its result, its signature or '', number of
-- entries for the list of its attempts, these entries (JSON).
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

-- Keeps how many slots have each error group before a redrive, which is to begin the next generation; of
-- the last so many redrives.
local MOST_GENERATIONS = 10
local function keep_groups(batch, generation)
  local key, fields, old = prefix.errors .. batch.id, {}, {}
  local sigs = {'other'}
  local listed = string.sub(note('HGET', key, 'groups') or '', 1, 1799)
  for sig in string.gmatch(listed, '%x+') do sigs[#sigs + 1] = sig end
  for i, n in ipairs(note('HMGET', key, unpack(sigs)) or {}) do
    if (whole(n or '') or 0) > 0 then
      fields[#fields + 1], fields[#fields + 2] = digits(generation) .. '|' .. sigs[i], n
    end
    old[i] = digits(generation - MOST_GENERATIONS) .. '|' .. sigs[i]
  end
  if #fields > 0 then note('HSET', key, unpack(fields)) end
  note('HDEL', key, unpack(old))
end

local jobs, i = {}, before_slots + 1
while i <= #ARGV do
  local slot, attempts, status, head, sig, many = unpack(ARGV, i, i + 5)
  local id = batch_id .. ':' .. slot
  local at = read('GETRANGE', prefix.result .. id, 0, #head - 1) == head and end_of(id)
  if at then
    jobs[#jobs + 1] = {id, slot, tonumber(attempts), status, at, sig,
      {unpack(ARGV, i + 6, i + 5 + many)}}
  end
  i = i + 6 + many
end

if is_first == '1' then
  redis.call('HDEL', prefix.batch .. batch_id, 'cancelled_by', 'lease', 'leased', 'patient')
  batch.by = nil
  if batch.limit then change(batch, 'deadline', now + batch.limit) end
end
if is_first == '1' and #jobs > 0 then
  local generation = whole(read('HGET', prefix.batch .. batch_id, 'generation') or '') or 0
  change(batch, 'generation', digits(generation + 1))
  keep_groups(batch, generation)
  if is_listed(batch) then
    local bad = batch.size - batch.left - (batch.succeeded or 0)
    event('redriven', 'batch', batch_id, 'by', by, 'n', digits(math.min(tonumber(chosen), bad)))
  end
end
local priority = priority_in(read('HGET', prefix.batch .. batch_id, 'priority'))
local entries = {}
for n, job in ipairs(jobs) do
  local id, slot, attempts, status, at, sig, history = unpack(job)
  redis.call('SETRANGE', prefix.job .. id, at, string.format(',"et":%.0f,"base":%d}', now, attempts))
  if #history > 0 then
    write('RPUSH', prefix.attempts .. id, unpack(history))
    redis.call('PEXPIREAT', prefix.attempts .. id, digits(batch.expires))
  end
  redis.call('DEL', prefix.result .. id)
  if attempts > 0 then
    redis.call('SET', prefix.retry .. id, attempts, 'PX', RETRY_TTL)
  end
  if batch.gradual then
    admission(batch).wait_outside(batch, tonumber(slot))
  else
    entries[#entries + 1], entries[#entries + 2] = queue_score(n, priority), id
  end
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, 'redriven'
  count(batch, status, -1)
  add_to_group(batch, sig, -1)
end
if #entries > 0 then
  write('ZADD', queue, unpack(entries))
  wake_worker()
end
remember_answer(batch, request, {#jobs})
write_batches(WINDOW / 2, WINDOW)
return #jobs
