-- Ends what is queued in a part of a batch and may not run any more: the batch is cancelled or too
-- late, or the slot waited too long, or it was cancelled while it ran and was given back.
-- Parts: ending
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500,
--       5 whether to look even if a sweep has been here in the last 10 s (1 or 0),
--       6 result of the runs before: ms until a slot has waited too long, or -1
-- Returns false for no such batch, else {size, ended here, still running,
-- ms until it makes sense to sweep again or -1, whether the batch ended here, too late to stay for as
-- long as was asked (1 or 0)}; size 0 where there is nothing to go on with.
P = cjson.decode(ARGV[1])
local id, first = ARGV[2], tonumber(ARGV[3])
local batch = batch_of(id)
if not batch or not batch.expires then return false end

local again = -1
local function look_in(left)
  if again < 0 or left < again then again = math.ceil(left) end
end
if tonumber(ARGV[6]) >= 0 then look_in(tonumber(ARGV[6])) end

local over = {}
-- The few that are cancelled one by one, wherever they stand in the batch.
if first == 0 and redis.call('HLEN', KEYS[2]) <= 1000 then
  local marks = redis.call('HGETALL', KEYS[2])
  for i = 1, #marks, 2 do
    local job, of, slot = marks[i], string.match(marks[i], '^(.*):(%d+)$')
    if of == id and redis.call('ZSCORE', KEYS[1], job)
      and redis.call('EXISTS', P.in_progress .. job) == 0 then
      local attempts = tonumber(redis.call('GET', P.retry .. job) or 0) or 0
      end_job(id, batch, job, slot, attempts, cancelled(marks[i + 1]))
      over[job] = true
    end
  end
end

-- A slot may be due, but not necessarily: look through all of them now and then, not each time.
local impatient = batch.impatient and now >= batch.impatient
if not batch.fate then
  if batch.deadline then look_in(batch.deadline - now) end
  if batch.leased then look_in(batch.leased - now) end
  if batch.impatient and not impatient then look_in(batch.impatient - now) end
end
local patient = (redis.call('HGET', P.batch .. id, 'patient') or 0) - now
if first == 0 and ARGV[5] == '0' and patient > 0 and (batch.fate or impatient) then
  look_in(patient)
  impatient, batch.fate = false, nil
end

local last = math.min(first + ARGV[4], batch.size) - 1
if last < first or not (batch.fate or impatient) then
  local count = #members
  return {0, count, 0, again, #flush_ended()}
end

local ids, wanted = {}, {}
for slot = first, last do
  local n = slot - first + 1
  ids[n] = string.format('%s:%.0f', id, slot)
  wanted[2 * n - 1], wanted[2 * n] = P.in_progress .. ids[n], P.retry .. ids[n]
end
local scores = redis.call('ZMSCORE', KEYS[1], unpack(ids))
local found = redis.call('MGET', unpack(wanted))
local running = 0
for n, job in ipairs(ids) do
  if scores[n] and not over[job] then
    local attempts = tonumber(found[2 * n] or 0) or 0
    local verdict, left = batch.fate, nil
    if found[2 * n - 1] then
      running = running + 1
    else
      if not verdict and attempts == 0 then verdict, left = waited(job) end
      if verdict then end_job(id, batch, job, first + n - 1, attempts, verdict) end
      if left then look_in(left) end
    end
  end
end
local count = #members
local late = #flush_ended()
if last == batch.size - 1 then
  look_in(10000)
  redis.call('HSET', P.batch .. id, 'patient', ms(now + again))
end
return {batch.size, count, running, again, late}
