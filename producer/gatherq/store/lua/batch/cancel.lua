-- Cancels a batch, or some slots of it. Queued slots end here; running ones are asked to end.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch,
--   gates, statistics, end_queued_job, request_replay
-- KEYS: queue, cancel_marks, wake
-- ARGV: batch_id, by, channel, events, totals, statistics, slots, request
-- slots: a JSON list of at most 500; empty for the whole batch. request: an id of this request.
-- The whole batch is only marked, and its running jobs are asked; sweep.lua ends its queued jobs.
-- Returns false for no such batch, else {size, ended here, asked to end, whether extend.lua is to be
-- run (1 or 0)}; the same again for the same request.
by, slots = json_text(by), cjson.decode(slots)
local batch = batch_of(batch_id)
if not batch or not batch.alive then return false end
local before = answer_before(batch_id, request)
if before then return before end

if #slots == 0 then
  local left = batch.left
  if left > 0 then
    if not batch.by then change(batch, 'cancelled_by', by) end
  end
  begin_writing()
  local answer = remember_answer(batch, request, {batch.size, 0, left, 0})
  write_batches(1, 20)
  if left > 0 then redis.call('PUBLISH', channel, cjson.encode({batch = batch_id, by = by})) end
  return answer
end

local ids, keys, asked = {}, {}, {}
for i, slot in ipairs(slots) do
  ids[i] = string.format('%s:%.0f', batch_id, slot)
  keys[2 * i - 1], keys[2 * i] = prefix.in_progress .. ids[i], prefix.retry .. ids[i]
end
local scores = read('ZMSCORE', queue, unpack(ids)) or {}
local held = redis.call('MGET', unpack(keys))
for i, job in ipairs(ids) do
  local token, attempts = held[2 * i - 1], whole(held[2 * i] or '') or 0
  if token then
    asked[#asked + 1] = job
  elseif scores[i] then
    end_job(batch, job, slots[i], attempts, tonumber(scores[i]), cancelled(by))
  elseif batch.gradual and admission(batch).is_outside(batch, slots[i]) then
    end_job(batch, job, slots[i], attempts, nil, cancelled(by))
  end
end
begin_writing()
end_jobs()
for _, job in ipairs(asked) do
  if write('HSETNX', cancel_marks, job, by) == 1 then
    redis.call('PEXPIRE', cancel_marks, MARKS_TTL)
  end
end
local answer = remember_answer(batch, request, {batch.size, #members, #asked, 0})
if is_listed(batch) and #members + #asked > 0 then
  event('cancelled', 'batch', batch_id, 'by', by, 'n', digits(#members + #asked))
end
write_batches(1, 20)
if #asked > 0 then redis.call('PUBLISH', channel, cjson.encode({jobs = asked, by = by})) end
answer[4] = must_extend(batch) and 1 or 0
return answer
