-- Takes up to n visible jobs: counts the attempt, sets the token, hides the job for one lease.
-- Expired leases of others are taken only in full contact: since a lease ago, and until just now.
-- A lease ends at a whole ms; what nobody has held since it was queued or given back has a fraction.
-- What may not run any more, because it or its batch is cancelled or too late, ends here instead;
-- what cannot be a job is put aside; what is left of batches that have gone is removed.
-- Include: safe, batch, ending
-- KEYS: 1 queue, 2 cancel marks, 3 quarantine list, 4 wake list
-- ARGV: 1 prefixes (JSON), 2 worker, 3 n, 4 lease (ms), 5 in contact since (ms), 6 last contact (ms),
--       7 number of the claim, 8 most bytes of a job that are handed over, 9 control channel,
--       10 names of jobs that this worker does not know, as jobs have them (JSON in JSON), or none: it
--       passes over them 11 for so long (ms) after they were due; 12 score to begin at, 13 how many
--       members of that score it leaves out
-- Returns {now (ms), ms to the next visible job or -1, {ids put aside},
-- {batch, its size, its life, its deadline (ms) or '', its limit (ms) or '', ...}, {batches that are
-- mistimed: extend.lua is to be run}, id of a job that a plain arq worker holds or '', {where the next
-- claim is to begin, if names are passed over: 12, 13}, then: id, attempt, score (ms) it was queued at,
-- job, ...}; job is false where there is none, its size where that is too much; a later attempt than
-- the first is {attempt, entry...} with its history, to which a death that nobody reported is added.
local worker, n, lease = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local contact = contact_of(ARGV[5], ARGV[6], lease)
local may_reclaim = contact >= lease
local MOST_ID, MOST_ENTRY = 4096, 65536

-- Most members of the queue that one claim looks at and leaves there, and most bytes of those that it
-- passes over: it stays well below 5 ms.
local MOST_LEFT, MOST_PASSED, MOST_BYTES = 1000, 200, 1048576
local unknown, patience
if ARGV[10] then
  unknown, patience = {}, tonumber(ARGV[11])
  for _, name in ipairs(cjson.decode(ARGV[10])) do unknown[name] = true end
end
local from, same, bytes = ARGV[12] or '-inf', tonumber(ARGV[13] or 0), 0

-- The name in a job, as it is written there; nil where none is.
local function name_in(job)
  local head = string.sub(job, 1, 2048)
  local plain = string.match(head, '^{"f":("[^"\\]*")')
  if plain or string.sub(head, 1, 6) ~= '{"f":"' then return plain end
  local at = string.find(head, '["\\]', 7)
  while at do
    if string.byte(head, at) == 34 then return string.sub(head, 6, at) end
    at = string.find(head, '["\\]', at + 2)
  end
end

local function later(left) return ms(now + left) end

-- The history of a job whose last attempt did not give it back, or did: then it is told there.
local deaths = {}
local function history_of(id, attempts)
  local key, history = P.attempts .. id, {attempts}
  for _, entry in ipairs(read('LRANGE', key, -100, -1) or {}) do
    if #entry <= MOST_ENTRY then history[#history + 1] = entry end
  end
  local last = string.match(history[#history], '^{"attempt":(%d+)')
  if tonumber(last) ~= attempts - 1 then
    local entry = string.format('{"attempt":%d,"status":"died","error":{"type":"WorkerDied",'
      .. '"message":"its lease ran out: the worker or its machine died, or lost Redis"},"ft":%s,'
      .. '"lapsed":true}', attempts - 1, ms(now))
    history[#history + 1] = entry
    deaths[#deaths + 1] = {key, entry}
  end
  return history
end

local function quarantined(id)
  return #id > MOST_ID or not is_utf8(id)
end

local visible, hidden, most_bytes = later(0), later(lease), tonumber(ARGV[8])
local reply, foreign, gone, scores = {visible, -1, {}, {}, {}, '', {}}, {}, {}, {}
local first, later_ones, unending, told = {}, {}, {}, {}
local claimed, skipped, scanned, most = 0, same, 0, n + (unknown and MOST_PASSED or MOST_LEFT)

local function hold(id, score)
  scores[#scores + 1], scores[#scores + 2] = score, id
end

local function take(id, attempts, batch, score, job)
  hold(id, hidden)
  claimed = claimed + 1
  if job and #job > most_bytes then job = #job end
  local at, number = 4 * claimed + 3, 1
  if attempts == 1 then
    first[#first + 1] = id
    if batch then batch.begun = (batch.begun or 0) + 1 end
  else
    later_ones[#later_ones + 1] = {id, ms(attempts)}
    number = history_of(id, attempts)
  end
  reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = id, number, score, job
  if batch and not told[batch] then
    told[batch] = true
    local list = reply[4]
    for _, value in ipairs({batch.id, ms(batch.size), batch.life, batch.deadline and ms(batch.deadline)
      or '', batch.limit and ms(batch.limit) or ''}) do list[#list + 1] = value end
  end
end

-- Decides on one member of the queue; true if it is claimed, its score where it is passed over.
local function look_at(id, score, job, token, attempts, mark)
  attempts = attempts and whole(attempts) or 0
  if token then
    -- A plain arq worker's mark says nothing of its worker: leave the job to it. It has an end.
    local left = redis.call('PTTL', P.in_progress .. id)
    if left >= 0 and not string.find(token, ':', 1, true) then
      if reply[6] == '' then reply[6] = id end
      return
    end
    if left < 0 then unending[#unending + 1] = P.in_progress .. id end
    hold(id, later(left < 0 and lease or math.min(math.max(left, 1), lease)))
    return
  end
  local lapsed = attempts > 0 and score % 1 == 0
  if lapsed and not may_reclaim then
    hold(id, later(math.max(math.min(lease - contact, lease), 10)))
    return
  end
  local batch_id, slot, batch = slot_of(id)
  if slot then
    judge_producer(batch, contact)
    local verdict = (batch.by or batch.deadline) and fate_of(batch) or mark and cancelled(mark)
    if not verdict and batch.queue_timeout and attempts == 0 and job
      and now >= (impatient_at(batch) or math.huge) then
      verdict = waited(id, job)
    end
    if verdict then return end_job(batch, id, slot, attempts, verdict, job) end
  elseif batch_id and (batch or not job and (attempts > 0 or score % 1 ~= 0)) then
    gone[#gone + 1] = id
    return
  end
  if unknown and slot and job and now - score < patience and unknown[name_in(job)] then
    bytes = bytes + #job
    return score
  end
  take(id, attempts + 1, slot and batch, string.format('%d', score), job)
  return true
end

local marked = redis.call('EXISTS', KEYS[2]) == 1
local at = tonumber(from)
while claimed < n and scanned < most and bytes < MOST_BYTES and #members < 120 do
  local want = math.min(n - claimed, 120)
  if bytes > 0 and bytes < 65536 then want = 120 end -- few are claimed here, and small ones
  local found = read('ZRANGEBYSCORE', KEYS[1], from, visible,
    'WITHSCORES', 'LIMIT', skipped + claimed, want) or {}
  local ids, queued = {}, {}
  for i = 1, #found, 2 do
    local id, score = found[i], tonumber(found[i + 1])
    if quarantined(id) then
      foreign[#foreign + 1] = id
      skipped = skipped + 1
    else
      ids[#ids + 1], queued[#queued + 1] = id, score and math.max(score, 0) or 0
    end
  end
  if #found == 0 then break end
  scanned = scanned + #found / 2
  if #ids > 0 then
    local wanted = {}
    for i, id in ipairs(ids) do
      wanted[3 * i - 2], wanted[3 * i - 1], wanted[3 * i] = P.job .. id, P.in_progress .. id, P.retry .. id
    end
    found = redis.call('MGET', unpack(wanted))
    local marks = marked and read('HMGET', KEYS[2], unpack(ids)) or {}
    for i, id in ipairs(ids) do
      if claimed == n then break end
      local left = look_at(id, queued[i], found[3 * i - 2], found[3 * i - 1], found[3 * i], marks[i])
      if left ~= true then skipped = skipped + 1 end
      if left == at then
        same = same + 1
      elseif left and left ~= true then
        at, same = left, 1
      end
    end
  end
end

-- From here on it only writes.
if #scores + #foreign + #gone + #members > 0 then begin_writing() end
local function set_token(id, attempts, token)
  redis.call('SET', P.retry .. id, attempts, 'PX', '88400000')
  redis.call('SET', P.in_progress .. id, token, 'PX', ARGV[4])
end

local token = worker .. ':1:' .. ARGV[7]
for _, id in ipairs(first) do set_token(id, '1', token) end
for _, job in ipairs(later_ones) do
  set_token(job[1], job[2], table.concat({worker, job[2], ARGV[7]}, ':'))
end
for batch in pairs(told) do
  if batch.begun then count(batch, 'running', batch.begun) end
end
for _, death in ipairs(deaths) do
  write('RPUSH', death[1], death[2])
  redis.call('PEXPIRE', death[1], 88400000)
end
for _, key in ipairs(unending) do redis.call('PEXPIRE', key, lease) end
in_runs(scores, function(...) write('ZADD', KEYS[1], ...) end)
if #gone > 0 then
  local keys = {}
  for _, id in ipairs(gone) do
    for _, prefix in ipairs({P.in_progress, P.retry, P.job, P.attempts}) do keys[#keys + 1] = prefix .. id end
  end
  delete(keys)
  in_runs(gone, function(...) try('ZREM', KEYS[1], ...) end)
end
if #foreign > 0 then
  in_runs(foreign, function(...) try('ZREM', KEYS[1], ...) end)
  for _, id in ipairs(foreign) do write('LPUSH', KEYS[3], string.sub(id, 1, 1024)) end
  redis.call('LTRIM', KEYS[3], 0, 99)
  redis.call('PEXPIRE', KEYS[3], 86400000)
  for i = 1, math.min(#foreign, 20) do reply[3][i] = string.sub(foreign[i], 1, 1024) end
end
end_jobs()
reply[5] = flush(ARGV[9])

if claimed == n then
  if n > 0 then wake(KEYS[4]) end -- This worker stops watching the queue: hand the watch on.
elseif #members >= 120 or scanned >= most or bytes >= MOST_BYTES then
  reply[2] = 0
else
  from, same, at = later(-1), 0, nil -- What may be run from now on has a later score.
  local next = read('ZRANGEBYSCORE', KEYS[1], '(' .. visible, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if next and next[2] then reply[2] = math.ceil(math.min(next[2] - now, 60000)) end
end
if unknown then
  reply[7] = {at and at ~= tonumber(from) and string.format('%.17g', at) or from, ms(same)}
end
return reply
