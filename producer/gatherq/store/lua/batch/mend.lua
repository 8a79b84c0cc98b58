-- Looks after slots that a collector waits for: what Redis has lost is queued again, or ends.
-- Include: clock, queue_scores, released_score, values, access, wake, events, error_groups,
--   admission, batch, gates, lost_parked, statistics, end_queued_job
-- KEYS: queue, cancel_marks, wake
-- ARGV: batch_id, slots, before, channel, events, totals, statistics
-- slots: a JSON list of at most 500. before: how many slots were written when the same collector
-- called last, or -1.
-- A slot that is neither queued nor running and has no result is queued again if its data is there, or waits for its
-- turn where its batch is limited; else it ends as LostJob. So is a parked one that is in no lane and at no gate any
-- more. Slots that the producer has not written, and did not go on to write since the call before, end as
-- NeverSubmitted; but of a producer that said until when it goes on, the batch is cancelled once that time is past.
-- Returns false for no such batch, else {slots written, {slots that have a result now}, whether
-- extend.lua is to be run (1 or 0), its life}.
slots = cjson.decode(slots)
local batch = batch_of(batch_id)
if not batch or not batch.alive then return false end
check_producer(batch, 0)
local given_up = not batch.writing and batch.written < batch.size and digits(batch.written) == before
local LOST = failed('LostJob', 'its data is no longer in Redis: evicted, deleted, or lost in a restart')
local NEVER = failed('NeverSubmitted', 'its producer ended before it was written; submit the batch '
  .. 'again under the same id to go on')

local ids, keys, ended, back, lost, parked = {}, {}, {}, {}, {}, {}
local outside = false
for i, slot in ipairs(slots) do
  ids[i] = string.format('%s:%.0f', batch_id, slot)
  keys[i] = prefix.in_progress .. ids[i]
end
if #ids == 0 then return {batch.written, {}, 0, batch.life} end
local priority = priority_in(read('HGET', prefix.batch .. batch_id, 'priority'))
local scores = read('ZMSCORE', queue, unpack(ids)) or {}
local tokens = redis.call('MGET', unpack(keys))
for i, slot in ipairs(slots) do
  local job = ids[i]
  if redis.call('EXISTS', prefix.result .. job) == 1 then
    ended[#ended + 1] = slot
  elseif tonumber(scores[i] or '') == PARKED then
    parked[#parked + 1] = job
  elseif scores[i] or tokens[i] then -- it waits, or runs
  elseif batch.gradual and admission(batch).is_outside(batch, slot) then
    outside = true
  elseif slot < batch.size and not batch.elsewhere then
    local verdict
    if slot >= batch.written then
      verdict = batch_verdict(batch) or given_up and NEVER
    elseif redis.call('TYPE', prefix.job .. job).ok ~= 'string' then
      verdict = LOST
    elseif (batch.max_at_once or batch.interval) and not admission(batch).has_begun(job) then
      lost[#lost + 1] = slot
    else
      local attempts = whole(read('GET', prefix.retry .. job) or '') or 0
      back[#back + 1] = attempts > 0 and released_score(0, priority) or queue_score(i, priority)
      back[#back + 1] = job
    end
    if verdict then
      end_job(batch, job, slot, whole(read('GET', prefix.retry .. job) or '') or 0, nil, verdict)
      ended[#ended + 1] = slot
    end
  end
end

for _, job in ipairs(lost_parked(parked)) do
  back[#back + 1], back[#back + 2] = queue_score(#back, priority), job
  count(batch, 'parked', -1)
end
-- What has ended here is counted, and whom `lost_parked` has let in, perhaps of other batches.
local has_counts = false
for _, each in pairs(batches) do has_counts = has_counts or each and next(each.counts) end
if #back > 0 or #lost > 0 or outside or has_counts then
  begin_writing()
  end_jobs()
  if outside or #lost > 0 then admission(batch).put_back(batch, lost) end
  in_chunks(back, function(...) write('ZADD', queue, ...) end)
  if #back > 0 then wake_worker() end
  write_batches(1, 20)
end
return {batch.written, ended, must_extend(batch) and 1 or 0, batch.life}
