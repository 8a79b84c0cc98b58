-- Ends queued slots of one part of a batch that must not run any more: the batch is cancelled or past
-- its deadline, the slot has reached its queue timeout, or it was cancelled while it ran and was then
-- released. With their batch end the slots that its producer never wrote.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch,
--   gates, statistics, end_queued_job
-- KEYS: queue, cancel_marks, wake
-- ARGV: batch_id, first, n, force, next_before, contact_since, contact_last, channel, events,
--       totals, statistics
-- first, n: the chunk of slots, at most 500. force: whether to look through all slots even if a sweep did
-- so in the last 10 s (1 or 0). next_before: what the calls for earlier chunks returned as next, or -1.
-- contact_since, contact_last: since and until when the caller was in contact with Redis (ms).
-- Returns false for no such batch, else {size, ended here, still running, ms until the next sweep makes
-- sense or -1, whether extend.lua is to be run (1 or 0), now (ms)}; size 0 where no chunk is to follow.
-- For so long (ms) the caller must have been in contact with Redis before it judges expired leases.
local FULL_CONTACT = 5000
-- All slots are looked through once in so many ms, and a lease that is not judged is looked at again.
local FULL_LOOK, LOOK_AGAIN = 10000, 1000

first = tonumber(first)
local contact = contact_of(contact_since, contact_last, FULL_CONTACT)
local batch = batch_of(batch_id)
if not batch or not batch.alive then return false end
check_producer(batch, contact)

-- Notes in how many ms another sweep makes sense, if that is not past.
local next_sweep = tonumber(next_before)
local function sweep_in(left)
  if left > 0 and (next_sweep < 0 or left < next_sweep) then next_sweep = math.ceil(left) end
end

-- Whether the lease of a job that was begun has expired: its worker may only have lost Redis.
local function has_expired(attempts, score)
  return attempts > 0 and tonumber(score) % 1 == 0
end

local ended = {}
-- The few jobs that are cancelled one by one, wherever they stand in the batch.
if first == 0 and (read('HLEN', cancel_marks) or 1001) <= 1000 then
  local marks = redis.call('HGETALL', cancel_marks)
  for i = 1, #marks, 2 do
    local job = marks[i]
    local of, slot = slot_of(job)
    local score = slot and of == batch_id and read('ZSCORE', queue, job)
    if score and redis.call('EXISTS', prefix.in_progress .. job) == 0 then
      local attempts = whole(read('GET', prefix.retry .. job) or '') or 0
      if not has_expired(attempts, score) then
        end_job(batch, job, slot, attempts, tonumber(score), cancelled(marks[i + 1]))
        ended[job] = true
      end
    end
  end
end

-- One slot may have reached its queue timeout, but need not: look through all of them now and then,
-- and not in each sweep.
local verdict_on_all, timeout_at = batch_verdict(batch), first_queue_timeout(batch)
local look_at_each = timeout_at and now >= timeout_at
if not verdict_on_all then
  if batch.deadline then sweep_in(batch.deadline - now) end
  if batch.leased then sweep_in(batch.leased - now) end
  if timeout_at then sweep_in(timeout_at - now) end
end
local patient = (whole(read('HGET', prefix.batch .. batch_id, 'patient') or '') or 0) - now
if force ~= '1' and patient > 0 and (verdict_on_all or look_at_each) then
  sweep_in(patient)
  look_at_each, verdict_on_all = false, nil
end

local function reply(size, running)
  if #members + #over > 0 or next(batch.changes) then
    begin_writing()
    end_jobs()
  end
  write_batches(1, 20)
  return {size, #members, running, next_sweep, must_extend(batch) and 1 or 0, digits(now)}
end

local last = math.min(first + n, batch.size) - 1
if last < first or not (verdict_on_all or look_at_each) or batch.elsewhere then return reply(0, 0) end

local ids, keys = {}, {}
for slot = first, last do
  local i = slot - first + 1
  ids[i] = string.format('%s:%.0f', batch_id, slot)
  keys[2 * i - 1], keys[2 * i] = prefix.in_progress .. ids[i], prefix.retry .. ids[i]
end
local scores = read('ZMSCORE', queue, unpack(ids)) or {}
local held = redis.call('MGET', unpack(keys))
local running = 0
for i, job in ipairs(ids) do
  local slot, token, attempts = first + i - 1, held[2 * i - 1], whole(held[2 * i] or '') or 0
  if ended[job] then -- above
  elseif token then
    running = running + 1
  elseif scores[i] then
    if has_expired(attempts, scores[i]) and contact < FULL_CONTACT then
      running = running + 1
      sweep_in(LOOK_AGAIN)
    else
      local verdict, left = verdict_on_all, nil
      if not verdict and attempts == 0 then verdict, left = queue_verdict(job) end
      if verdict then end_job(batch, job, slot, attempts, tonumber(scores[i]), verdict) end
      if left then sweep_in(left) end
    end
  elseif slot >= batch.written then
    if verdict_on_all then end_job(batch, job, slot, 0, nil, verdict_on_all) end
  elseif batch.gradual and admission(batch).is_outside(batch, slot) then
    local verdict, left = verdict_on_all, nil
    if not verdict and attempts == 0 then verdict, left = queue_verdict(job) end
    if verdict then end_job(batch, job, slot, attempts, nil, verdict) end
    if left then sweep_in(left) end
  end
end
if last == batch.size - 1 then
  sweep_in(FULL_LOOK)
  change(batch, 'patient', digits(now + next_sweep))
end
return reply(batch.size, running)
