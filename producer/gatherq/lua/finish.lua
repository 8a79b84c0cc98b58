-- Records outcomes: result, clean-up, counts, completion entry and wake-up in one atomic step.
-- A batch with more failures than it tolerates is cancelled in the same step, by "policy".
-- Parts: safe, batch
-- KEYS: 1 queue, 2 abort set, 3 cancel marks
-- ARGV: 1 prefixes (JSON), 2 worker, 3 control channel,
--       4 a JSON list with a list a job, all strings: id, attempt, its token, status, batch or '',
--       slot, life of the batch, keep (ms; -1 for ever; a batch has its own), ms to leave a plain
--       mark behind (0: none), whether it has a history (1 or 0); 5.. a result each
-- Returns {{a word a job}, {batches that this step cancelled}, {batches that are mistimed}}. The
-- words: recorded; already (an earlier call of this attempt did it); refused (the attempt is not the
-- current one); gone (its batch, or that life of it, is no longer in Redis).
local worker, jobs = ARGV[2], cjson.decode(ARGV[4])
local marks, seen, reply = {}, {}, {}
for i, job in ipairs(jobs) do
  marks[2 * i - 1], marks[2 * i] = P.in_progress .. job[1], P.retry .. job[1]
end
marks = #jobs > 0 and redis.call('MGET', unpack(marks)) or marks

local function mine(id, attempt, result)
  local head = '{"worker":"' .. worker .. '","t":' .. attempt .. ','
  return read('GETRANGE', P.result .. id, 0, #head - 1) == head or read('GET', P.result .. id) == result
end

-- Says what there is to be done about an outcome.
local function word_of(i, job)
  local id, attempt, token = job[1], job[2], job[3]
  local held, current = marks[2 * i - 1], marks[2 * i]
  local batch = job[5] ~= '' and batch_of(job[5])
  local same = batch and batch.alive and batch.life == job[7]
  if seen[id] or held ~= token and (held or current ~= attempt) or batch and batch.alive and not same then
    return (seen[id] == token or mine(id, attempt, ARGV[4 + i])) and 'already' or 'refused'
  end
  seen[id] = token
  return (job[5] == '' or same) and 'recorded' or 'gone'
end

local sets, clean, members, left = {}, {}, {}, {}
for i, job in ipairs(jobs) do
  local id, _, _, status, batch_id, slot, _, keep, mark, history = unpack(job)
  local word = word_of(i, job)
  reply[i] = word
  if word == 'recorded' or word == 'gone' then
    clean[#clean + 1], clean[#clean + 2] = P.in_progress .. id, P.retry .. id
    if history == '1' then clean[#clean + 1] = P.attempts .. id end
    -- The data of what did not succeed stays with its batch, for a redrive.
    if status == 'succeeded' or batch_id == '' or word == 'gone' then clean[#clean + 1] = P.job .. id end
    members[#members + 1] = id
    if mark ~= '0' then left[#left + 1] = {P.in_progress .. id, mark} end
  end
  if word == 'recorded' then
    if batch_id ~= '' then
      local batch = batch_of(batch_id)
      sets[#sets + 1] = {P.result .. id, ARGV[4 + i], 'PXAT', ms(batch.expires)}
      count(batch, status, 1)
      count(batch, 'running', -1)
      batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, status
    elseif keep == '-1' then
      sets[#sets + 1] = {P.result .. id, ARGV[4 + i]}
    elseif keep ~= '0' then
      sets[#sets + 1] = {P.result .. id, ARGV[4 + i], 'PX', keep}
    end
  end
end
if #members == 0 then return {reply, {}, {}} end

-- From here on it only writes; first what frees memory, which a full server refuses to nobody.
delete(clean)
redis.call('ZREM', KEYS[1], unpack(members))
try('ZREM', KEYS[2], unpack(members))
if redis.call('EXISTS', KEYS[3]) == 1 then try('HDEL', KEYS[3], unpack(members)) end
for _, set in ipairs(sets) do redis.call('SET', unpack(set)) end
for _, mark in ipairs(left) do redis.call('SET', mark[1], '1', 'PX', mark[2]) end
local late, stopped = flush(ARGV[3])
return {reply, stopped, late}
