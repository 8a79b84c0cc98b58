-- Takes up to n visible jobs: counts the attempt, sets the token, hides the job for one lease.
-- Expired leases of others are taken only in full contact: since a lease ago, and until just now.
-- A lease ends at a whole ms; what was released has a fraction, and is anybody's.
-- What may not run any more, because it or its batch is cancelled or too late, ends here instead.
-- Parts: ending
-- KEYS: 1 queue, 2 cancel marks, 3 quarantine list, 4 wake list
-- ARGV: 1 prefixes (JSON), 2 worker, 3 n, 4 lease (ms), 5 in contact since (ms), 6 last contact (ms)
-- Returns {now (ms), ms to the next visible job or -1, {quarantined ids},
-- {batch, its deadline (ms), its limit (ms), ...}, {batches that ended here, too late to stay for as
-- long as was asked}, id of a job that a plain arq worker holds or '', then: id, attempt, score (ms)
-- it was queued at, job, ...}; job is false where there is none; a later attempt than the first is
-- {attempt, entry...} with its history, to which a death that nobody reported is added here.
P = cjson.decode(ARGV[1])
local n, lease = tonumber(ARGV[3]), tonumber(ARGV[4])
local contact = now - ARGV[5]
local may_reclaim = contact >= lease and now - ARGV[6] <= lease / 2

local function is_utf8(s)
  local i, len = 1, #s
  while i <= len do
    local b = string.byte(s, i)
    local more = b < 128 and 0 or b >= 194 and b < 224 and 1 or b >= 224 and b < 240 and 2
      or b >= 240 and b < 245 and 3
    if not more then return false end
    for j = i + 1, i + more do
      local c = string.byte(s, j)
      if not c or c < 128 or c >= 192 then return false end
    end
    i = i + more + 1
  end
  return true
end

local function later(ms) return string.format('%.0f', now + ms) end

-- An attempt whose end stands in the history was given back; any other holds until its lease ends.
local function reported(id, attempt)
  local key = P.attempts .. id
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'list' and kind ~= 'none' then redis.call('DEL', key) end
  local last = redis.call('LINDEX', key, -1)
  return last and tonumber(string.match(last, '^{"attempt":(%d+)')) == attempt
end

local function history_of(id, attempts)
  local key = P.attempts .. id
  if not reported(id, attempts - 1) then
    redis.call('RPUSH', key, string.format('{"attempt":%d,"status":"died","error":{'
      .. '"type":"WorkerDied","message":"its lease ran out: the worker or its machine died, '
      .. 'or lost Redis"},"ft":%.0f}', attempts - 1, now))
  end
  redis.call('PEXPIRE', key, 88400000)
  return {attempts, unpack(redis.call('LRANGE', key, -100, -1))}
end

local visible, hidden, token_head = later(0), later(lease), ARGV[2] .. ':'
local reply, foreign, scores, begun = {visible, -1, {}, {}, {}, ''}, {}, {}, {}
local claimed, skipped, scanned = 0, 0, 0
local marked = redis.call('EXISTS', KEYS[2]) == 1
while claimed < n and scanned < n + 1000 and #members < 120 do
  local want = math.min(n - claimed, 120)
  local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', visible,
    'WITHSCORES', 'LIMIT', skipped + claimed, want)
  local ids, queued = {}, {}
  for i = 1, #found, 2 do ids[#ids + 1], queued[#queued + 1] = found[i], found[i + 1] end
  if #ids == 0 then break end
  scanned = scanned + #ids
  local wanted = {}
  for i, id in ipairs(ids) do
    wanted[3 * i - 2], wanted[3 * i - 1], wanted[3 * i] = P.job .. id, P.in_progress .. id, P.retry .. id
  end
  found = redis.call('MGET', unpack(wanted))
  local marks = marked and redis.call('HMGET', KEYS[2], unpack(ids)) or {}
  for i, id in ipairs(ids) do
    local job, token, attempts = found[3 * i - 2], found[3 * i - 1], found[3 * i]
    attempts = attempts and #attempts < 7 and tonumber(string.match(attempts, '^%d+$')) or 0
    local batch_id, slot = string.match(id, '^(.*):(%d+)$')
    local batch = batch_id and batch_of(batch_id)
    local verdict = batch and (batch.fate or marks[i] and cancelled(marks[i]))
    if batch and not verdict and batch.impatient and attempts == 0 and job and now >= batch.impatient
    then
      verdict = waited(id, job)
    end
    if string.find(id, '[\128-\255]') and not is_utf8(id) then
      foreign[#foreign + 1] = id
      skipped = skipped + 1
    elseif token then
      -- A plain arq worker's mark says nothing of its worker: leave the job to it.
      if string.find(token, ':', 1, true) then
        scores[#scores + 1] = later(math.max(redis.call('PTTL', P.in_progress .. id), 1))
        scores[#scores + 1] = id
      else
        reply[6] = id
      end
      skipped = skipped + 1
    elseif verdict then
      end_job(batch_id, batch, id, slot, attempts, verdict, job)
      skipped = skipped + 1
    elseif attempts > 0 and not may_reclaim and tonumber(queued[i]) % 1 == 0 then
      scores[#scores + 1] = later(math.max(math.min(lease - contact, lease), 10))
      scores[#scores + 1] = id
      skipped = skipped + 1
    else
      attempts = attempts + 1
      redis.call('SET', P.retry .. id, attempts, 'PX', 88400000)
      redis.call('SET', P.in_progress .. id, token_head .. attempts, 'PX', lease)
      scores[#scores + 1] = hidden
      scores[#scores + 1] = id
      claimed = claimed + 1
      local number = attempts == 1 and 1 or history_of(id, attempts)
      local at = 4 * claimed + 2
      reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = id, number, queued[i], job
      if batch and batch.deadline and not batch.told then
        batch.told = true
        local n = #reply[4]
        reply[4][n + 1], reply[4][n + 2], reply[4][n + 3] = batch_id, batch.deadline, batch.limit
      end
      if batch and attempts == 1 then begun[batch_id] = (begun[batch_id] or 0) + 1 end
    end
  end
end

if #scores > 0 then redis.call('ZADD', KEYS[1], unpack(scores)) end
reply[5] = flush_ended()
for batch_id, count in pairs(begun) do redis.call('HINCRBY', P.batch .. batch_id, 'running', count) end
for _, id in ipairs(foreign) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('LPUSH', KEYS[3], id)
end
if #foreign > 0 then
  redis.call('LTRIM', KEYS[3], 0, 99)
  redis.call('PEXPIRE', KEYS[3], 86400000)
  reply[3] = foreign
end

if claimed == n then
  -- This worker stops watching the queue: hand the watch on.
  if redis.call('LLEN', KEYS[4]) == 0 then
    redis.call('RPUSH', KEYS[4], '1')
    redis.call('PEXPIRE', KEYS[4], 60000)
  end
elseif #members >= 120 then
  reply[2] = 0
else
  local next = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. visible, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if next[2] then reply[2] = math.ceil(math.min(next[2] - now, 60000)) end
end
return reply
