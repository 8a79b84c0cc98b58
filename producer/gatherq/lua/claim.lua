-- Takes up to n visible jobs: counts the attempt, sets the token, hides the job for one lease.
-- Expired leases of others are taken only in full contact: since a lease ago, and until just now.
-- KEYS: 1 queue, 2 wake list, 3 quarantine list
-- ARGV: 1 worker, 2 n, 3 lease (ms), 4 in contact since (ms), 5 last contact (ms),
--       6 job prefix, 7 in-progress prefix, 8 retry prefix, 9 batch prefix
-- Returns {now (ms), ms to the next visible job or -1, {quarantined ids}, id, attempt, job, ...};
-- job is false where there is none.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local n, lease = tonumber(ARGV[2]), tonumber(ARGV[3])
local contact = now - ARGV[4]
local may_reclaim = contact >= lease and now - ARGV[5] <= lease / 2

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

local visible, hidden, token_head = later(0), later(lease), ARGV[1] .. ':'
local reply, foreign, scores, batches = {visible, -1, {}}, {}, {}, {}
local claimed, skipped, scanned = 0, 0, 0
while claimed < n and scanned < n + 1000 do
  local want = math.min(n - claimed, 1000)
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', visible, 'LIMIT', skipped + claimed, want)
  if #ids == 0 then break end
  scanned = scanned + #ids
  local wanted = {}
  for i, id in ipairs(ids) do
    wanted[3 * i - 2], wanted[3 * i - 1], wanted[3 * i] = ARGV[6] .. id, ARGV[7] .. id, ARGV[8] .. id
  end
  local found = redis.call('MGET', unpack(wanted))
  for i, id in ipairs(ids) do
    local job, token, attempts = found[3 * i - 2], found[3 * i - 1], found[3 * i]
    attempts = attempts and #attempts < 7 and tonumber(string.match(attempts, '^%d+$')) or 0
    if string.find(id, '[\128-\255]') and not is_utf8(id) then
      foreign[#foreign + 1] = id
      skipped = skipped + 1
    elseif token then
      -- A plain arq worker's mark says nothing of its worker: leave the job to it.
      if string.find(token, ':', 1, true) then
        scores[#scores + 1] = later(math.max(redis.call('PTTL', ARGV[7] .. id), 1))
        scores[#scores + 1] = id
      end
      skipped = skipped + 1
    elseif attempts > 0 and not may_reclaim then
      scores[#scores + 1] = later(math.max(math.min(lease - contact, lease), 10))
      scores[#scores + 1] = id
      skipped = skipped + 1
    else
      attempts = attempts + 1
      redis.call('SET', ARGV[8] .. id, attempts, 'PX', 88400000)
      redis.call('SET', ARGV[7] .. id, token_head .. attempts, 'PX', lease)
      scores[#scores + 1] = hidden
      scores[#scores + 1] = id
      claimed = claimed + 1
      reply[3 * claimed + 1], reply[3 * claimed + 2], reply[3 * claimed + 3] = id, attempts, job
      local batch = attempts == 1 and string.match(id, '^(.*):%d+$')
      if batch then batches[batch] = (batches[batch] or 0) + 1 end
    end
  end
end

if #scores > 0 then redis.call('ZADD', KEYS[1], unpack(scores)) end
for batch, count in pairs(batches) do
  local key = ARGV[9] .. batch
  if redis.call('TYPE', key).ok == 'hash' then redis.call('HINCRBY', key, 'running', count) end
end
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
  if redis.call('LLEN', KEYS[2]) == 0 then
    redis.call('RPUSH', KEYS[2], '1')
    redis.call('PEXPIRE', KEYS[2], 60000)
  end
else
  local next = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. visible, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if next[2] then reply[2] = math.ceil(math.min(next[2] - now, 60000)) end
end
return reply
