-- Finds jobs that a worker holds: for its supervisor when it has died, and for itself when the reply
-- of a claim may have been lost.
-- Include: safe
-- KEYS: 1 queue
-- ARGV: 1 prefixes (JSON), 2 worker, 3 lease (ms), 4 how many of the queue to pass over,
--       5 how many to look at, at most 1000, 6 whether to bring the jobs (1 or 0)
-- A running job stands in the queue at the end of its lease, so only those are looked at.
-- Returns {now (ms), how many were looked at, id, attempt, number of its claim, life of its batch or
-- '', size of its batch or -1, job, ...}; job is false where there is none.
local head = ARGV[2] .. ':'
local ids = read('ZRANGEBYSCORE', KEYS[1], ms(now), ms(now + ARGV[3]), 'LIMIT', ARGV[4], ARGV[5]) or {}
local reply, wanted = {ms(now), #ids}, {}
for i, id in ipairs(ids) do wanted[i] = P.in_progress .. id end
local found = #wanted > 0 and redis.call('MGET', unpack(wanted)) or {}
local batches = {}
local function life_and_size(id)
  local batch_id = string.match(id, '^([%w_.-]+):%d+$')
  if not batch_id then return '', -1 end
  if not batches[batch_id] then
    local life, size = unpack(read('HMGET', P.batch .. batch_id, 'life', 'size') or {})
    batches[batch_id] = {string.sub(life or '', 1, 100), whole(size) or -1}
  end
  return unpack(batches[batch_id])
end

for i, id in ipairs(ids) do
  local token = found[i]
  local attempt, claim = nil, nil
  if token and #token < 500 and string.sub(token, 1, #head) == head then
    attempt, claim = string.match(string.sub(token, #head + 1), '^(%d+):(%d+)$')
  end
  if attempt then
    local life, size = life_and_size(id)
    for _, value in ipairs({id, tonumber(attempt), tonumber(claim), life, size,
      ARGV[6] == '1' and read('GET', P.job .. id) or false}) do reply[#reply + 1] = value end
  end
end
return reply
