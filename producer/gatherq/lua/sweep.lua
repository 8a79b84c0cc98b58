-- Ends what is queued in a part of a batch and may not run any more: the batch is cancelled, or
-- the slot itself while it ran and was given back.
-- KEYS: 1 queue, 2 cancel marks
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500
-- Returns false for no such batch, else {size, ended here, still running}.
P = cjson.decode(ARGV[1])
local id, first = ARGV[2], tonumber(ARGV[3])
local batch = batch_of(id)
if not batch or not batch.size then return false end
local last = math.min(first + ARGV[4], tonumber(batch.size)) - 1
local marked = redis.call('EXISTS', KEYS[2]) == 1
if last < first or not (batch.fate or marked) then return {tonumber(batch.size), 0, 0} end

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
    local verdict = batch.fate or marks[n] and cancelled(marks[n])
    if found[2 * n - 1] then
      running = running + 1
    elseif verdict then
      local attempts = tonumber(found[2 * n] or 0) or 0
      end_job(id, batch, job, first + n - 1, attempts, verdict)
    end
  end
end
local count = #members
flush_ended()
return {tonumber(batch.size), count, running}
