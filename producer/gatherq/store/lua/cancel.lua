-- Cancels a batch, or some slots of it. Queued slots end here; running ones are asked to.
-- Include: safe, batch, ending, once
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 by, 4 control channel,
--       5 slots as a JSON list, at most 500; none for the whole batch, 6 id of the request
-- The whole batch is only marked, and its running jobs asked: sweep ends what is queued.
-- Returns false for no such batch, else {size, ended here, asked to end, whether the batch is
-- mistimed (1 or 0)}; the same again for the same request.
local id, by, slots = ARGV[2], said(ARGV[3]), cjson.decode(ARGV[5])
local batch = batch_of(id)
if not batch or not batch.alive then return false end
local before = answered(id, ARGV[6])
if before then return before end

if #slots == 0 then
  local left = batch.left
  if left > 0 then
    if not batch.by then change(batch, 'cancelled_by', by) end
    begin_writing()
  end
  local told = answer(batch, ARGV[6], {batch.size, 0, left, 0})
  flush(ARGV[4])
  if left > 0 then redis.call('PUBLISH', ARGV[4], cjson.encode({batch = id, by = by})) end
  return told
end

local ids, wanted, asked = {}, {}, {}
for i, slot in ipairs(slots) do
  ids[i] = string.format('%s:%.0f', id, slot)
  wanted[2 * i - 1], wanted[2 * i] = P.in_progress .. ids[i], P.retry .. ids[i]
end
local scores = read('ZMSCORE', KEYS[1], unpack(ids)) or {}
local found = redis.call('MGET', unpack(wanted))
for i, job in ipairs(ids) do
  local token, attempts = found[2 * i - 1], whole(found[2 * i] or '') or 0
  if token then
    asked[#asked + 1] = job
  elseif scores[i] then
    end_job(batch, job, slots[i], attempts, cancelled(by))
  end
end
begin_writing()
end_jobs()
for _, job in ipairs(asked) do
  if write('HSETNX', KEYS[2], job, by) == 1 then redis.call('PEXPIRE', KEYS[2], 86400000) end
end
local told = answer(batch, ARGV[6], {batch.size, #members, #asked, 0})
flush(ARGV[4])
if #asked > 0 then redis.call('PUBLISH', ARGV[4], cjson.encode({jobs = asked, by = by})) end
told[4] = mistimed(batch) and 1 or 0
return told
