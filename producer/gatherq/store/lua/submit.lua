-- Writes one run of a batch's jobs and wakes a worker. Repeating it changes nothing.
-- Include: safe, batch
-- KEYS: 1 queue, 2 batch hash, 3 wake list, 4 digests
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 batch size, 4 keep (ms), 5 first slot,
--       6 terms of the batch, kept from the first run, as a JSON object of integers: tolerate
--       (failures), limit, lease, queue_timeout (ms),
--       7 the jobs' digests, 8 bytes each, or '' for a batch that nobody will submit again,
--       8 life to give a new batch, 9 ms after which its producer has given up, if the next run is
--       not written by then, or '' for a batch that may be gone on with later, 10 control channel,
--       11.. a job each, as JSON without its closing brace
-- Returns {size, slot that differs or -1, cancelled or not (1, 0), slots written before this run}.
-- A size other than ARGV[3], or a slot, says that the id is taken, here or in another queue, and nothing was written; size -1
-- that the batch has gone since its first run; fewer slots written than ARGV[5], and nothing done,
-- that Redis has lost runs, which are to be written again first.
local JOBS = 11
local id, first, digests = ARGV[2], tonumber(ARGV[5]), ARGV[7]
local batch = batch_of(id)
local fresh = not batch or not batch.alive
if fresh then
  if first ~= 0 or batch then return {-1, -1, 0, 0} end
  local size, keep = tonumber(ARGV[3]), tonumber(ARGV[4])
  -- An eighth more, so that the completion of most batches need not touch their keys again.
  local expires = now + math.floor(math.max(keep, LEAST_LIFE) * 9 / 8)
  batch = {id = id, alive = true, size = size, left = size, written = 0, expires = expires, until_ = ms(expires), keep = keep,
    changes = {size = ms(size), life = ARGV[8], created = ms(now), expires = ms(expires), keep = ms(keep),
      queue = KEYS[1]},
    counts = {}, done = {}}
  local terms = cjson.decode(ARGV[6])
  for name, value in pairs(terms) do batch.changes[name] = ms(value) end
  if terms.limit then batch.changes.deadline = ms(now + terms.limit) end
  if terms.lease then batch.changes.leased = ms(now + terms.lease) end
  batches[id] = batch
end
local written = batch.written
if ms(batch.size) ~= ARGV[3] then return {batch.size, -1, 0, written} end
if written < first then return {batch.size, -1, 0, written} end
if batch.elsewhere then return {batch.size, first, 0, written} end
local stopped = batch.by or batch.deadline and now >= batch.deadline

local known
if digests ~= '' then
  local start = first * 8
  known = read('GETRANGE', KEYS[4], start, start + #digests - 1)
  if known and known ~= digests then
    local none = string.rep('\0', 8)
    for i = 1, #known, 8 do
      local there = string.sub(known, i, i + 7)
      if not fresh and there ~= none and there ~= string.sub(digests, i, i + 7) then
        return {batch.size, first + (i - 1) / 8, 0, written}
      end
    end
  end
end

-- Whether what stands under the id of a slot was written by us: for an earlier life of the batch, or
-- for a slot that its producer did not come to write.
local function ours(job, slot)
  local mark = string.format(',"batch":"%s","slot":%.0f,', id, slot)
  local call = read('GETRANGE', P.job .. job, -300, -1)
  if call and call ~= '' and not string.find(call, mark, 1, true) then return false end
  local result = read('GET', P.result .. job)
  return not result or string.find(result, mark .. '"et":', 1, true) ~= nil
end

local write_these, clean, revived = {}, {}, {}
for i = JOBS, #ARGV do
  local slot = first + i - JOBS
  local job = string.format('%s:%.0f', id, slot)
  local is_new = slot >= written
  if digests == '' and not stopped then
    if is_new then write_these[#write_these + 1] = {i, job} end
  else
    local there = redis.call('EXISTS', P.job .. job, P.result .. job) > 0
    if is_new and there and not ours(job, slot) then return {batch.size, slot, 0, written} end
    local ended = there and not fresh and is_new and redis.call('EXISTS', P.result .. job) == 1
    if is_new and not (ended and stopped) or not is_new and not there then
      write_these[#write_these + 1] = {i, job}
      for _, name in ipairs({'in_progress', 'retry', 'attempts', 'result'}) do
        clean[#clean + 1] = P[name] .. job
      end
      if ended then revived[#revived + 1] = slot end
    end
  end
end

-- From here on it only writes; first what a full server refuses.
local enqueued, expires = string.format(',"et":%.0f}', now), ms(batch.expires)
for _, job in ipairs(write_these) do
  redis.call('SET', P.job .. job[2], ARGV[job[1]] .. enqueued, 'PXAT', expires)
end
if fresh then redis.call('DEL', KEYS[2], P.done .. id, KEYS[4]) end
if written < first + #ARGV - JOBS + 1 then
  change(batch, 'written', ms(first + #ARGV - JOBS + 1))
  written = first + #ARGV - JOBS + 1
end
if written < batch.size then
  if ARGV[9] ~= '' then change(batch, 'writing', ms(now + ARGV[9])) end
elseif batch.writing then
  redis.call('HDEL', KEYS[2], 'writing')
end
for _, slot in ipairs(revived) do
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = ms(slot), 'redriven'
  count(batch, 'failed', -1)
end
flush(ARGV[10])
if fresh then redis.call('PEXPIREAT', KEYS[2], expires) end
if digests ~= '' and (fresh or known ~= digests) then
  write('SETRANGE', KEYS[4], first * 8, digests)
  redis.call('PEXPIREAT', KEYS[4], expires)
end
delete(clean)
local entries = {}
for n, job in ipairs(write_these) do
  -- Scores rise within the run, so that slots start in order; a fraction says that it was never held.
  entries[#entries + 1], entries[#entries + 2] = string.format('%.3f', now - 1 + n / 1000), job[2]
end
if #entries > 0 then
  in_runs(entries, function(...) write('ZADD', KEYS[1], ...) end)
  wake(KEYS[3])
end
return {batch.size, -1, batch.by and 1 or 0, first}
