-- Finds the jobs that a worker holds, for its supervisor when it has died.
-- KEYS: 1 queue
-- ARGV: 1 worker, 2 lease (ms), 3 in-progress prefix, 4 job prefix
-- A running job stands in the queue at the end of its lease, so only those are looked at.
-- Returns {now (ms), id, attempt, job, ...}; job is false where there is none.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = ARGV[1] .. ':'
local reply = {string.format('%.0f', now)}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now),
  string.format('%.0f', now + ARGV[2]), 'LIMIT', 0, 20000)
for first = 1, #ids, 1000 do
  local keys = {}
  for i = first, math.min(first + 999, #ids) do keys[#keys + 1] = ARGV[3] .. ids[i] end
  for i, token in ipairs(redis.call('MGET', unpack(keys))) do
    if token and string.sub(token, 1, #head) == head then
      local id = ids[first + i - 1]
      reply[#reply + 1] = id
      reply[#reply + 1] = tonumber(string.sub(token, #head + 1)) or 0
      reply[#reply + 1] = redis.call('TYPE', ARGV[4] .. id).ok == 'string'
        and redis.call('GET', ARGV[4] .. id)
    end
  end
end
return reply
