-- Finds the claims of a worker: for its supervisor after its death, and for the worker itself when the
-- reply of a claim may have been lost.
-- Include: clock, values, access
-- KEYS: queue
-- ARGV: worker, lease, skip, n, with_jobs
-- lease: in ms. skip, n: how many members of the queue to skip, and to look at (at most 1000).
-- with_jobs: whether to return the jobs' data (1 or 0).
-- The score of a running job is the end of its lease, so only jobs within a lease from now are looked at.
-- Returns {now (ms), how many were looked at, then for each claim: id, attempt, number of its claim,
-- life of its batch or '', size of its batch or -1, job or false}.
local head = worker .. ':'
local ids = read('ZRANGEBYSCORE', queue, digits(now), digits(now + lease), 'LIMIT', skip, n) or {}
local reply, keys = {digits(now), #ids}, {}
for i, id in ipairs(ids) do keys[i] = prefix.in_progress .. id end
local tokens = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
local batches = {}
local function life_and_size(id)
  local batch_id = string.match(id, '^([%w_.-]+):%d+$')
  if not batch_id then return '', -1 end
  if not batches[batch_id] then
    local life, size = unpack(read('HMGET', prefix.batch .. batch_id, 'life', 'size') or {})
    batches[batch_id] = {life_in(life), whole(size) or -1}
  end
  return unpack(batches[batch_id])
end

for i, id in ipairs(ids) do
  local token = tokens[i]
  local attempt, claim = nil, nil
  if token and string.sub(token, 1, #head) == head then
    attempt, claim = string.match(string.sub(token, #head + 1), '^(%d+):(%d+)$')
  end
  if attempt then
    local life, size = life_and_size(id)
    for _, value in ipairs({id, tonumber(attempt), tonumber(claim), life, size,
      with_jobs == '1' and read('GET', prefix.job .. id) or false}) do reply[#reply + 1] = value end
  end
end
return reply
