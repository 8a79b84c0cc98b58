-- Ends what is queued in a part of a batch and may not run any more: the batch is cancelled or too
-- late, or the slot waited too long, or it was cancelled while it ran and was given back.
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500
-- Returns false for no such batch, else {size, ended here, still running,
-- ms until it makes sense to sweep again or -1}.
P = cjson.decode(ARGV[1])
local id, first = ARGV[2], tonumber(ARGV[3])
local batch = batch_of(id)
if not batch or not batch.expires then return false end

local again = -1
local function look_in(left)
  if again < 0 or left < again then again = math.ceil(left) end
end
if not batch.fate and batch.deadline then look_in(batch.deadline - now) end
if not batch.fate and batch.leased then look_in(batch.leased - now) end
local impatient = batch.impatient and now >= batch.impatient
if batch.impatient and not impatient then look_in(batch.impatient - now) end

local last = math.min(first + ARGV[4], batch.size) - 1
local marked = redis.call('EXISTS', KEYS[2]) == 1
-- Nothing is due in the whole batch: the caller need not go on.
if not (batch.fate or marked or impatient) then return {0, 0, 0, again} end
if last < first then return {batch.size, 0, 0, again} end

local ids, wanted = {}, {}
for slot = first, last do
  local n = slot - first + 1
  ids[n] = string.format('%s:%.0f', id, slot)
  wanted[2 * n - 1], wanted[2 * n] = P.in_progress .. ids[n], P.retry .. ids[n]
end
local scores = redis.call('ZMSCORE', KEYS[1], unpack(ids))
local found = redis.call('MGET', unpack(wanted))
local marks = marked and redis.call('HMGET', KEYS[2], unpack(ids)) or {}
local running = 0
for n, job in ipairs(ids) do
  if scores[n] then
    local attempts = tonumber(found[2 * n] or 0) or 0
    local verdict, left = batch.fate or marks[n] and cancelled(marks[n]), nil
    if found[2 * n - 1] then
      running = running + 1
    else
      if not verdict and impatient and attempts == 0 then verdict, left = waited(job) end
      if verdict then end_job(id, batch, job, first + n - 1, attempts, verdict) end
      if left then look_in(left) end
    end
  end
end
local count = #members
flush_ended()
return {batch.size, count, running, again}
