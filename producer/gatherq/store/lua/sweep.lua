-- Ends what is queued in a part of a batch and may not run any more: the batch is cancelled or too
-- late, or the slot waited too long, or it was cancelled while it ran and was given back; and, with
-- its batch, what its producer never wrote.
-- Include: safe, batch, ending
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500,
--       5 whether to look even if a sweep has been here in the last 10 s (1 or 0),
--       6 result of the runs before: ms until a slot has waited too long, or -1,
--       7 in contact since (ms), 8 last contact (ms), 9 control channel
-- Returns false for no such batch, else {size, ended here, still running,
-- ms until it makes sense to sweep again or -1, whether the batch is mistimed (1 or 0), now (ms)};
-- size 0 where there is nothing to go on with.
local id, first, force = ARGV[2], tonumber(ARGV[3]), ARGV[5] == '1'
local contact = contact_of(ARGV[7], ARGV[8], 5000)
local batch = batch_of(id)
if not batch or not batch.alive then return false end
judge_producer(batch, contact)

local again = -1
local function look_in(left)
  if again < 0 or left < again then again = math.ceil(left) end
end
if tonumber(ARGV[6]) >= 0 then look_in(tonumber(ARGV[6])) end

-- A job that was begun, and whose lease has run out: its worker may only have lost Redis.
local function lapsed(attempts, score)
  return attempts > 0 and tonumber(score) % 1 == 0
end

local over = {}
-- The few that are cancelled one by one, wherever they stand in the batch.
if first == 0 and (read('HLEN', KEYS[2]) or 1001) <= 1000 then
  local marks = redis.call('HGETALL', KEYS[2])
  for i = 1, #marks, 2 do
    local job = marks[i]
    local of, slot = slot_of(job)
    local score = slot and of == id and read('ZSCORE', KEYS[1], job)
    if score and redis.call('EXISTS', P.in_progress .. job) == 0 then
      local attempts = whole(read('GET', P.retry .. job) or '') or 0
      if not lapsed(attempts, score) then
        end_job(batch, job, slot, attempts, cancelled(marks[i + 1]))
        over[job] = true
      end
    end
  end
end

-- A slot may be due, but not necessarily: look through all of them now and then, not each time.
local fate, at = fate_of(batch), impatient_at(batch)
local impatient = at and now >= at
if not fate then
  if batch.deadline then look_in(batch.deadline - now) end
  if batch.leased and now < batch.leased then look_in(batch.leased - now) end
  if at and not impatient then look_in(at - now) end
end
local patient = (whole(read('HGET', P.batch .. id, 'patient') or '') or 0) - now
if first == 0 and not force and patient > 0 and (fate or impatient) then
  look_in(patient)
  impatient, fate = false, nil
end

local function reply(size, running)
  if #members > 0 or next(batch.changes) then
    begin_writing()
    end_jobs()
  end
  flush(ARGV[9])
  return {size, #members, running, again, mistimed(batch) and 1 or 0, ms(now)}
end

local last = math.min(first + ARGV[4], batch.size) - 1
if last < first or not (fate or impatient) or batch.elsewhere then return reply(0, 0) end

local ids, wanted = {}, {}
for slot = first, last do
  local n = slot - first + 1
  ids[n] = string.format('%s:%.0f', id, slot)
  wanted[2 * n - 1], wanted[2 * n] = P.in_progress .. ids[n], P.retry .. ids[n]
end
local scores = read('ZMSCORE', KEYS[1], unpack(ids)) or {}
local found = redis.call('MGET', unpack(wanted))
local running = 0
for n, job in ipairs(ids) do
  local slot, token, attempts = first + n - 1, found[2 * n - 1], whole(found[2 * n] or '') or 0
  if over[job] then -- ended above
  elseif token then
    running = running + 1
  elseif scores[n] then
    if lapsed(attempts, scores[n]) and contact < 5000 then
      running = running + 1
      look_in(1000)
    else
      local verdict, left = fate, nil
      if not verdict and attempts == 0 then verdict, left = waited(job) end
      if verdict then end_job(batch, job, slot, attempts, verdict) end
      if left then look_in(left) end
    end
  elseif fate and slot >= batch.written and redis.call('EXISTS', P.result .. job) == 0 then
    end_job(batch, job, slot, 0, fate)
  end
end
if last == batch.size - 1 then
  look_in(10000)
  change(batch, 'patient', ms(now + again))
end
return reply(batch.size, running)
