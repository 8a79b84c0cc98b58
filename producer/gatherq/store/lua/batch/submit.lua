-- Writes one chunk of a batch's jobs, and wakes a worker. Repeating it changes nothing.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch
-- KEYS: queue, batch_key, wake, digests_key
-- ARGV: batch_id, size, keep, first, options, new_digests, life, patience, channel, batch_index,
--       events, terms, ...jobs
-- keep: ms that the batch stays after its end. first: slot of the first job.
-- options: kept from the first chunk, a JSON object of integers: tolerate (failures), limit (of the
-- batch's deadline), lease, queue_timeout, delay (ms), max_at_once, interval (µs between two starts), priority; and of
-- texts: pace, see include/admission.lua; for people: kind, label, names, by, parent;
-- trace, for the worker to continue it.
-- new_digests: of the jobs, 8 bytes each; '' for a batch that nobody will submit again.
-- life: tells a new batch from others under its id. patience: ms after which the producer has given
-- up, unless it writes the next chunk before; '' for a batch that may be gone on with later.
-- terms: '', or of jobs that have their own, as JSON: {slot: [priority, delay (ms)], ...}.
-- jobs: each as JSON without its closing brace.
-- Returns {size, slot that differs or -1, whether it is cancelled (1 or 0), slots written before, life that it has}.
-- Nothing was written, and no life is told, where the size is another one, or a slot differs: then the id is taken,
-- in this queue or another; where the size is -1: then the batch has gone since its first chunk; and where fewer
-- slots were written than `first`: then Redis has lost chunks, which are to be written again first.
-- The index keeps the newest so many batches, for a week (ms).
local MOST_LISTED, INDEX_TTL = 10000, '604800000'
first, options = tonumber(first), cjson.decode(options)
terms = terms ~= '' and cjson.decode(terms) or {}
local delay = options.delay
options.delay = nil
local batch = batch_of(batch_id)
local fresh = not batch or not batch.alive
if fresh then
  if first ~= 0 or batch then return {-1, -1, 0, 0} end
  local slots, stay = tonumber(size), tonumber(keep)
  -- An eighth more, so that the end of most batches need not touch the lifetime of their keys.
  local expires = now + math.floor(math.max(stay, LEAST_LIFE) * 9 / 8)
  batch = {id = batch_id, alive = true, size = slots, left = slots, written = 0, expires = expires,
    until_ = digits(expires), keep = stay, life = life, counts = {}, done = {}, created = now,
    changes = {size = digits(slots), life = life, created = digits(now), expires = digits(expires),
      keep = digits(stay), queue = queue}}
  if delay then options.starts = now + delay end
  if slots > WINDOW or options.max_at_once or options.interval then
    batch.gradual = options.max_at_once and 2 or 1
    options.gradual, options.admitted, batch.admitted = batch.gradual, 0, 0
    batch.beyond, batch.again, batch.turn, batch.ahead = 0, 0, 0, 0
    for _, name in ipairs({'max_at_once', 'interval', 'pace'}) do batch[name] = options[name] end
  end
  for name, value in pairs(options) do
    batch.changes[name] = type(value) == 'number' and digits(value) or value
  end
  batch.kind = options.kind
  if slots == 0 then batch.changes.ended = digits(now) end
  if options.limit then batch.changes.deadline = digits(now + options.limit) end
  if options.lease then batch.changes.leased = digits(now + options.lease) end
  batches[batch_id] = batch
end
batch.starts = batch.starts or delay and (batch.created or now) + delay
batch.priority = batch.priority or options.priority
local written = batch.written
if digits(batch.size) ~= size then return {batch.size, -1, 0, written} end
if written < first then return {batch.size, -1, 0, written} end
if batch.elsewhere then return {batch.size, first, 0, written} end
local stopped = batch.by or batch.deadline and now >= batch.deadline

local known
if new_digests ~= '' and not fresh then
  local start, none = first * 8, string.rep('\0', 8)
  known = read('GETRANGE', digests_key, start, start + #new_digests - 1) or ''
  for i = 1, #known, 8 do
    local digest = string.sub(known, i, i + 7)
    if digest ~= none and digest ~= string.sub(new_digests, i, i + 7) then
      return {batch.size, first + (i - 1) / 8, 0, written}
    end
  end
end

-- Whether the keys of a slot's id were written by us: for an earlier life of the batch, or for a slot
-- that its producer did not come to write.
local function is_ours(job, slot)
  local mark = string.format(',"batch":"%s","slot":%.0f,', batch_id, slot)
  local call = read('GETRANGE', prefix.job .. job, -300, -1)
  if call and call ~= '' and not string.find(call, mark, 1, true) then return false end
  local result = read('GET', prefix.result .. job)
  return not result or string.find(result, mark .. '"et":', 1, true) ~= nil
end

-- Slots may have ended before they are written: of a batch that was cancelled, and redriven meanwhile.
local any_ended_badly = (batch.cancelled or 0) + (batch.timed_out or 0) + (batch.failed or 0) > 0
local new_jobs, clean, revived = {}, {}, {}
for i = before_jobs + 1, #ARGV do
  local slot = first + i - before_jobs - 1
  local job = string.format('%s:%.0f', batch_id, slot)
  local is_new = slot >= written
  if new_digests == '' and not any_ended_badly then
    if is_new then new_jobs[#new_jobs + 1] = {i, job} end
  else
    local exists = redis.call('EXISTS', prefix.job .. job, prefix.result .. job) > 0
    if is_new and exists and not is_ours(job, slot) then return {batch.size, slot, 0, written} end
    local ended = exists and not fresh and is_new and redis.call('EXISTS', prefix.result .. job) == 1
    if is_new and not stopped or not exists then
      new_jobs[#new_jobs + 1] = {i, job, not is_new}
      for _, each in ipairs({prefix.in_progress, prefix.retry, prefix.attempts, prefix.result}) do
        clean[#clean + 1] = each .. job
      end
      if ended then
        local head = read('GETRANGE', prefix.result .. job, 0, 299) or ''
        local status, sig = string.match(head, '"status":"([%l_]+)","sig":"(%x+)"')
        if status ~= 'cancelled' and status ~= 'timed_out' then status = 'failed' end
        revived[#revived + 1] = {slot, status, sig}
      end
    end
  end
end

-- From here on the step only writes; first the commands that a full server refuses.
local enqueued, expires = string.format(',"et":%.0f}', now), digits(batch.expires)
for _, job in ipairs(new_jobs) do
  redis.call('SET', prefix.job .. job[2], ARGV[job[1]] .. enqueued, 'PXAT', expires)
end
if fresh then
  redis.call('DEL', batch_key, prefix.done .. batch_id, digests_key)
  if new_digests ~= '' then -- there may be those of an earlier batch of the name
    for _, each in ipairs({prefix.errors, prefix.again}) do note('DEL', each .. batch_id) end
  end
end
local reached = first + #ARGV - before_jobs
if written < reached then
  change(batch, 'written', reached)
  written = reached
end
if written < batch.size then
  if patience ~= '' then change(batch, 'writing', digits(now + patience)) end
elseif batch.writing then
  redis.call('HDEL', batch_key, 'writing')
end
for _, each in ipairs(revived) do
  local slot, status, sig = unpack(each)
  add_to_group(batch, sig, -1)
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = digits(slot), 'redriven'
  count(batch, status, -1)
  if batch.gradual then admission(batch).wait_outside(batch, slot) end
end
delete(clean)
local entries, lost = {}, {}
local function enqueue(n, job, priority, delay)
  local at = delay and now + delay or batch.starts
  entries[#entries + 1], entries[#entries + 2] = queue_score(n, priority or batch.priority, at), job
end
if batch.gradual then admission(batch) end
local any_own = next(terms) ~= nil
for n, job in ipairs(new_jobs) do
  local slot = first + job[1] - before_jobs - 1
  local own = any_own and terms[digits(slot)]
  if not batch.gradual then
    enqueue(n, job[2], unpack(own or {}))
  elseif job[3] and read('ZSCORE', prefix.again .. batch_id, digits(slot)) then -- only its data was lost
  elseif slot < batch.admitted and (batch.max_at_once or batch.interval) and not read('ZSCORE', queue, job[2]) then
    lost[#lost + 1] = slot
  elseif slot < batch.admitted or job[3] and admission(batch).has_left(batch, slot) then -- Redis has lost it
    enqueue(n, job[2], unpack(own or {}))
  elseif own and (batch.max_at_once or batch.interval) then
    admission(batch).go_first(batch, slot, own[1])
  elseif own then
    admission(batch).leave_outside(batch, slot)
    admission(batch).set(batch, 'ahead', batch.ahead + 1)
    enqueue(n, job[2], unpack(own))
  end
end
if #lost > 0 then admission(batch).put_back(batch, lost) end
if #entries > 0 then
  in_chunks(entries, function(...) write('ZADD', queue, ...) end)
  wake_worker(wake, #entries / 2)
end
write_batches(WINDOW / 2, WINDOW)
if fresh then redis.call('PEXPIREAT', batch_key, expires) end
if new_digests ~= '' and known ~= new_digests then
  write('SETRANGE', digests_key, first * 8, new_digests)
  redis.call('PEXPIREAT', digests_key, expires)
end
if fresh and is_listed(batch) then
  note('ZADD', batch_index, digits(now), batch_id)
  note('ZREMRANGEBYRANK', batch_index, 0, -MOST_LISTED - 1)
  note('PEXPIRE', batch_index, INDEX_TTL)
  event('submitted', 'batch', batch_id, 'by', options.by or '', 'n', size)
  if batch.size == 0 then event('ended', 'batch', batch_id, 'n', '0', 'state', 'succeeded') end
end
return {batch.size, -1, batch.by and 1 or 0, first, batch.life}
