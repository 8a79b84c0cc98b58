-- Records outcomes: result, clean-up, counts, completion entry and wake-up in one atomic step.
-- A batch with more failures than it tolerates is cancelled in the same step, by "policy".
-- Include: safe, batch
-- KEYS: 1 queue, 2 abort set, 3 cancel marks
-- ARGV: 1 prefixes (JSON), 2 worker, 3 control channel, 4 {batch: its life, ...} as JSON,
--       5 a JSON list with a list a job, all strings: id, attempt, number of its claim, status, slot
--       or '' for a job of its own, keep (ms; -1 for ever; a batch has its own), ms to leave a plain
--       mark behind (0: none), whether it has a history (1 or 0); 6.. a result each
-- Returns {{a word a job}, {batches that this step cancelled}, {batches that are mistimed}}. The
-- words: recorded; already (an earlier call of this attempt did it); refused (the attempt is not the
-- current one); gone (its batch, or that life of it, is no longer in Redis).
local FIRST = 5
local worker, lives, jobs = ARGV[2], cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local marks, seen, reply = {}, {}, {}
for i, job in ipairs(jobs) do
  marks[2 * i - 1], marks[2 * i] = P.in_progress .. job[1], P.retry .. job[1]
end
marks = #jobs > 0 and redis.call('MGET', unpack(marks)) or marks

local function mine(id, attempt, result)
  local head = '{"worker":"' .. worker .. '","t":' .. attempt .. ','
  return read('GETRANGE', P.result .. id, 0, #head - 1) == head or read('GET', P.result .. id) == result
end

-- Says what there is to be done about an outcome, and of which batch it is.
local function word_of(i, id, attempt, claim, slot)
  local batch_id, batch = nil, nil
  if slot ~= '' then
    batch_id = string.sub(id, 1, -2 - #slot)
    batch = batches[batch_id]
    if batch == nil then batch = batch_of(batch_id) end
  end
  local token = worker .. ':' .. attempt .. ':' .. claim
  local held, alive = marks[2 * i - 1], batch and batch.alive
  local same = alive and batch.life == lives[batch_id]
  if seen[id] or held ~= token and (held or marks[2 * i] ~= attempt) or alive and not same then
    return (seen[id] == token or mine(id, attempt, ARGV[FIRST + i])) and 'already' or 'refused'
  end
  seen[id] = token
  return (slot == '' or same) and 'recorded' or 'gone', batch
end

-- Results of batches: key, its number, expiry, ...; and what else is set: {key, value, keep}.
local sets, left, clean, members = {}, {}, {}, {}
for i, job in ipairs(jobs) do
  local id, attempt, claim, status, slot, keep, mark, history = unpack(job)
  local word, batch = word_of(i, id, attempt, claim, slot)
  reply[i] = word
  if word == 'recorded' or word == 'gone' then
    clean[#clean + 1], clean[#clean + 2] = P.in_progress .. id, P.retry .. id
    if history == '1' then clean[#clean + 1] = P.attempts .. id end
    -- The data of what did not succeed stays with its batch, for a redrive.
    if status == 'succeeded' or slot == '' or word == 'gone' then clean[#clean + 1] = P.job .. id end
    members[#members + 1] = id
    if mark ~= '0' then left[#left + 1] = {P.in_progress .. id, '1', mark} end
  end
  if word == 'recorded' then
    if batch then
      sets[#sets + 1], sets[#sets + 2], sets[#sets + 3] = P.result .. id, i, batch.until_
      local counts, done = batch.counts, batch.done
      counts[status] = (counts[status] or 0) + 1
      done[#done + 1], done[#done + 2] = slot, status
    elseif keep ~= '0' then
      left[#left + 1] = {P.result .. id, ARGV[FIRST + i], keep}
    end
  end
end
if #members == 0 then return {reply, {}, {}} end

-- From here on it only writes; first what frees memory, which a full server refuses to nobody.
delete(clean)
try('ZREM', KEYS[1], unpack(members))
try('ZREM', KEYS[2], unpack(members))
if redis.call('EXISTS', KEYS[3]) == 1 then try('HDEL', KEYS[3], unpack(members)) end
for i = 1, #sets, 3 do redis.call('SET', sets[i], ARGV[FIRST + sets[i + 1]], 'PXAT', sets[i + 2]) end
for _, batch in pairs(batches) do
  if batch then count(batch, 'running', -#batch.done / 2) end
end
for _, own in ipairs(left) do
  local key, value, keep = unpack(own)
  if keep == '-1' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', keep) end
end
local late, stopped = flush(ARGV[3])
return {reply, stopped, late}
