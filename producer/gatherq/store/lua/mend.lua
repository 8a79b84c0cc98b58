-- Looks after slots that a collector waits for: what Redis has lost is put back, or ended.
-- Include: safe, batch, ending
-- KEYS: 1 queue, 2 cancel marks, 3 wake list
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 slots as a JSON list, at most 500, 4 how many slots were
--       written when the same collector looked before, or -1, 5 control channel
-- A slot that is neither queued nor running, and has no result, goes back into the queue if its data
-- is there, else it ends as LostJob. What its producer has not written, and did not go on to write
-- since the look before, ends as NeverSubmitted.
-- Returns false for no such batch, else {slots written, {slots that have a result now}, whether the
-- batch is mistimed (1 or 0)}
local id, slots = ARGV[2], cjson.decode(ARGV[3])
local batch = batch_of(id)
if not batch or not batch.alive then return false end
local given_up = batch.written < batch.size and ms(batch.written) == ARGV[4]
local LOST = failed('LostJob', 'its data is no longer in Redis: evicted, deleted, or lost in a restart')
local NEVER = failed('NeverSubmitted', 'its producer ended before it was written; submit the batch '
  .. 'again under the same id to go on')

local ids, tokens, ended, back = {}, {}, {}, {}
for i, slot in ipairs(slots) do
  ids[i] = string.format('%s:%.0f', id, slot)
  tokens[i] = P.in_progress .. ids[i]
end
if #ids == 0 then return {batch.written, {}, 0} end
local scores = read('ZMSCORE', KEYS[1], unpack(ids)) or {}
tokens = redis.call('MGET', unpack(tokens))
for i, slot in ipairs(slots) do
  local job = ids[i]
  if redis.call('EXISTS', P.result .. job) == 1 then
    ended[#ended + 1] = slot
  elseif not scores[i] and not tokens[i] and slot < batch.size and not batch.elsewhere then
    local verdict
    if slot >= batch.written then
      verdict = fate_of(batch) or given_up and NEVER
    elseif redis.call('TYPE', P.job .. job).ok == 'string' then
      back[#back + 1], back[#back + 2] = string.format('%.3f', now - 1 + i / 1000), job
    else
      verdict = LOST
    end
    if verdict then
      end_job(batch, job, slot, whole(read('GET', P.retry .. job) or '') or 0, verdict)
      ended[#ended + 1] = slot
    end
  end
end

if #members + #back > 0 then
  begin_writing()
  end_jobs()
  in_runs(back, function(...) write('ZADD', KEYS[1], ...) end)
  if #back > 0 then wake(KEYS[3]) end
  flush(ARGV[5])
end
return {batch.written, ended, mistimed(batch) and 1 or 0}
