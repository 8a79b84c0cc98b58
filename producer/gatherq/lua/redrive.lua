-- Puts ended slots back into the queue, in slot order, and what stood in their results into the
-- lists of their attempts. Their completion is taken back by an entry that says `redriven`.
-- KEYS: 1 queue, 2 batch hash, 3 done stream, 4 wake list
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first run of slots (0 or 1),
--       then for each slot: slot, attempts so far, status, head of its result, number of entries
--       for the list, entries (JSON)
-- The first run lifts the batch's cancellation and its lease, and starts its deadline anew.
-- Returns the number put back, -1 for no such batch. Left alone: another result than that, no data.
local P = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function ms(n) return string.format('%.0f', n) end

local size, expires, limit = unpack(redis.call('HMGET', KEYS[2], 'size', 'expires', 'limit'))
if not size then return -1 end
if ARGV[3] == '1' then
  redis.call('HDEL', KEYS[2], 'cancelled_by', 'lease', 'leased', 'patient')
  if limit then redis.call('HSET', KEYS[2], 'deadline', ms(now + limit)) end
end

-- Writes over the end of the job: a new time of enqueueing, and the attempts it had.
local function renew_job(id, attempts)
  local key = P.job .. id
  local tail = redis.call('GETRANGE', key, -64, -1)
  local at = string.match(tail, '.*(),"et":%d+[^}]*}$')
  if not at then return false end
  local start = redis.call('STRLEN', key) - #tail + at - 1
  redis.call('SETRANGE', key, start, string.format(',"et":%.0f,"base":%d}', now, attempts))
  return true
end

local entries, done, counts, begun, i = {}, {}, {}, 0, 4
while i <= #ARGV do
  local slot, attempts, status, head, many = unpack(ARGV, i, i + 4)
  local id = ARGV[2] .. ':' .. slot
  attempts = tonumber(attempts)
  local same = redis.call('GETRANGE', P.result .. id, 0, #head - 1) == head
  if same and renew_job(id, attempts) then
    local list = P.attempts .. id
    if many ~= '0' then redis.call('RPUSH', list, unpack(ARGV, i + 5, i + 4 + many)) end
    redis.call('PEXPIREAT', list, expires)
    redis.call('DEL', P.result .. id)
    if attempts > 0 then
      redis.call('SET', P.retry .. id, attempts, 'PX', 88400000)
      begun = begun + 1
    end
    entries[#entries + 1], entries[#entries + 2] = string.format('%.3f', now - 1 + i / 100000), id
    done[#done + 1], done[#done + 2] = slot, 'redriven'
    counts[status] = (counts[status] or 0) + 1
  end
  i = i + 5 + many
end

if #done > 0 then
  redis.call('ZADD', KEYS[1], unpack(entries))
  for status, count in pairs(counts) do redis.call('HINCRBY', KEYS[2], status, -count) end
  -- As a retry that waits: what was begun before counts as running.
  if begun > 0 then redis.call('HINCRBY', KEYS[2], 'running', begun) end
  redis.call('XADD', KEYS[3], '*', unpack(done))
  redis.call('PEXPIREAT', KEYS[3], expires)
  if redis.call('LLEN', KEYS[4]) == 0 then
    redis.call('RPUSH', KEYS[4], '1')
    redis.call('PEXPIRE', KEYS[4], 60000)
  end
end
return #done / 2
