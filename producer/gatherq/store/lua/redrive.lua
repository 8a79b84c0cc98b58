-- Puts ended slots back into the queue, in slot order, and what stood in their results into the
-- lists of their attempts. Their completion is taken back by an entry that says `redriven`.
-- Include: safe, batch, once
-- KEYS: 1 queue, 2 wake list
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first run of slots (0 or 1), 4 id of the request,
--       5 control channel, then for each slot: slot, attempts so far, status, head of its result,
--       number of entries for the list, entries (JSON)
-- The first run lifts the batch's cancellation and its lease, and starts its deadline anew.
-- Returns the number put back, -1 for no such batch; the same again for the same request. Left
-- alone: another result than that, no data.
local batch_id = ARGV[2]
local batch = batch_of(batch_id)
if not batch or not batch.alive or batch.elsewhere then return -1 end
local before = answered(batch_id, ARGV[4])
if before then return before[1] end

-- Where the end of the job begins: it is written over with a new time of enqueueing, and the
-- attempts that it had.
local function end_of(id)
  local key = P.job .. id
  local tail = read('GETRANGE', key, -64, -1) or ''
  local at = string.match(tail, '^.*(),"et":%d+}$') or string.match(tail, '^.*(),"et":%d+,"base":%d+}$')
  return at and redis.call('STRLEN', key) - #tail + at - 1
end

local jobs, i = {}, 6
while i <= #ARGV do
  local slot, attempts, status, head, many = unpack(ARGV, i, i + 4)
  local id = batch_id .. ':' .. slot
  local at = read('GETRANGE', P.result .. id, 0, #head - 1) == head and end_of(id)
  if at then
    jobs[#jobs + 1] = {id, slot, tonumber(attempts), status, at, {unpack(ARGV, i + 5, i + 4 + many)}}
  end
  i = i + 5 + many
end

if ARGV[3] == '1' then
  redis.call('HDEL', P.batch .. batch_id, 'cancelled_by', 'lease', 'leased', 'patient')
  batch.by = nil
  if batch.limit then change(batch, 'deadline', ms(now + batch.limit)) end
end
local entries = {}
for n, job in ipairs(jobs) do
  local id, slot, attempts, status, at, history = unpack(job)
  redis.call('SETRANGE', P.job .. id, at, string.format(',"et":%.0f,"base":%d}', now, attempts))
  if #history > 0 then
    write('RPUSH', P.attempts .. id, unpack(history))
    redis.call('PEXPIREAT', P.attempts .. id, ms(batch.expires))
  end
  redis.call('DEL', P.result .. id)
  if attempts > 0 then
    redis.call('SET', P.retry .. id, attempts, 'PX', 88400000)
    count(batch, 'running', 1) -- as a retry that waits: what was begun before
  end
  entries[#entries + 1], entries[#entries + 2] = string.format('%.3f', now - 1 + n / 1000), id
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, 'redriven'
  count(batch, status, -1)
end
if #entries > 0 then
  write('ZADD', KEYS[1], unpack(entries))
  wake(KEYS[2])
end
answer(batch, ARGV[4], {#jobs})
flush(ARGV[5])
return #jobs
