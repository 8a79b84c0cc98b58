-- Records outcomes: result, clean-up, counts, completion entry and wake-up in one atomic step.
-- A batch with more failures than it tolerates is cancelled in the same step, by "policy".
-- KEYS: 1 queue, 2 abort set, 3 cancel marks
-- ARGV: 1 worker, 2 job prefix, 3 in-progress prefix, 4 retry prefix, 5 result prefix,
--       6 batch prefix, 7 done prefix,
--       8 a JSON list with a list a job: id, attempt, status, batch or '', slot, keep (ms; -1 for
--       ever; a batch has its own), ms to leave a plain mark behind (0: none), all strings,
--       and the attempts list or ''; 9 control channel; 10.. a result each
-- Returns {{a word a job}, {batches that this step cancelled}, {batches that this step completed, and
-- that would not stay for as long as was asked}}. The words: recorded; already (an earlier call of
-- this attempt did it); refused (the attempt is not the current one); gone (its batch is no longer
-- in Redis).
local reply, clean, members, batches, stopped, late = {}, {}, {}, {}, {}, {}
local left = {}

local function batch_of(id)
  local batch = batches[id]
  if not batch then
    local found = redis.pcall('HMGET', ARGV[6] .. id, 'expires', 'size', 'keep', 'tolerate',
      'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')
    batch = {found = found, expires = not found.err and found[2] and found[1], counts = {}, done = {}}
    batches[id] = batch
  end
  return batch
end

local jobs, marks = cjson.decode(ARGV[8]), {}
for i, job in ipairs(jobs) do
  marks[2 * i - 1], marks[2 * i] = ARGV[3] .. job[1], ARGV[4] .. job[1]
end
marks = #jobs > 0 and redis.call('MGET', unpack(marks)) or marks

for i, job in ipairs(jobs) do
  local id, attempt, status, batch_id, slot, keep, mark, attempts = unpack(job)
  local result = ARGV[9 + i]
  local token = ARGV[1] .. ':' .. attempt
  local held, current = marks[2 * i - 1], marks[2 * i]
  local batch = batch_id ~= '' and batch_of(batch_id)
  if current ~= attempt or (held and held ~= token) then
    local head = '{"worker":"' .. ARGV[1] .. '","t":' .. attempt .. ','
    local mine = redis.call('TYPE', ARGV[5] .. id).ok == 'string'
      and (redis.call('GETRANGE', ARGV[5] .. id, 0, #head - 1) == head
        or redis.call('GET', ARGV[5] .. id) == result)
    reply[#reply + 1] = mine and 'already' or 'refused'
  else
    if batch and not batch.expires then
      reply[#reply + 1] = 'gone'
    else
      if batch then
        redis.call('SET', ARGV[5] .. id, result, 'PXAT', batch.expires)
        batch.counts[status] = (batch.counts[status] or 0) + 1
        batch.done[#batch.done + 1] = slot
        batch.done[#batch.done + 1] = status
      elseif keep == '-1' then
        redis.call('SET', ARGV[5] .. id, result)
      elseif keep ~= '0' then
        redis.call('SET', ARGV[5] .. id, result, 'PX', keep)
      end
      reply[#reply + 1] = 'recorded'
    end
    -- The data of what did not succeed stays with its batch, for a redrive.
    if status == 'succeeded' or not (batch and batch.expires) then clean[#clean + 1] = ARGV[2] .. id end
    clean[#clean + 1] = ARGV[3] .. id
    clean[#clean + 1] = ARGV[4] .. id
    if attempts ~= '' then clean[#clean + 1] = attempts end
    members[#members + 1] = id
    if mark ~= '0' then left[#left + 1] = {ARGV[3] .. id, mark} end
  end
end

if #members > 0 then
  redis.call('DEL', unpack(clean))
  for _, mark in ipairs(left) do redis.call('SET', mark[1], '1', 'PX', mark[2]) end
  redis.call('ZREM', KEYS[1], unpack(members))
  redis.call('ZREM', KEYS[2], unpack(members))
  if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HDEL', KEYS[3], unpack(members)) end
end

-- What its last outcome, or its policy, means for a batch.
local function look_at(id, batch)
  local _, size, keep, tolerate = unpack(batch.found)
  local function count(n, status) return (batch.found[n] or 0) + (batch.counts[status] or 0) end
  local bad = count(6, 'failed') + count(7, 'timed_out') + count(9, 'lost')
  local left = size - bad - count(5, 'succeeded') - count(8, 'cancelled')
  if left <= 0 then
    local time = redis.call('TIME')
    if time[1] * 1000 + keep > tonumber(batch.expires) then late[#late + 1] = id end
  elseif tolerate and bad > tonumber(tolerate)
    and redis.call('HSETNX', ARGV[6] .. id, 'cancelled_by', 'policy') == 1 then
    redis.call('PUBLISH', ARGV[9], cjson.encode({batch = id, by = 'policy'}))
    stopped[#stopped + 1] = id
  end
end

for id, batch in pairs(batches) do
  if #batch.done > 0 then
    local key, done = ARGV[6] .. id, ARGV[7] .. id
    for status, count in pairs(batch.counts) do redis.call('HINCRBY', key, status, count) end
    redis.call('HINCRBY', key, 'running', -#batch.done / 2)
    redis.call('XADD', done, '*', unpack(batch.done))
    redis.call('PEXPIREAT', done, batch.expires)
    look_at(id, batch)
  end
end
return {reply, stopped, late}
