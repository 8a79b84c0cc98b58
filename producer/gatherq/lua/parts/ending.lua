-- Part of claim, cancel and sweep: ends jobs that are not to run, as finish.lua ends those that ran.
-- The step sets P, the prefixes of the keys by name (keys.PREFIXES), before it calls anything here.
local P
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function ms(n) return string.format('%.0f', n) end

local function cancelled(by)
  return {'cancelled', cjson.encode('cancelled by: ' .. by), '"by":' .. cjson.encode(by)}
end

local function timed_out(which, limit)
  limit = string.format('%.14g', limit / 1000)
  local text = string.format('"timed out: %s limit of %s s"', which, limit)
  return {'timed_out', text, string.format('"which":"%s","limit":%s', which, limit)}
end

-- Reads a batch, once a step; false where there is none. Its fate is the verdict on whatever of it
-- has not begun; a batch without a size is being deleted.
local ended = {}
local function batch_of(id)
  local batch = ended[id]
  if batch ~= nil then return batch end
  local key = P.batch .. id
  local found = redis.pcall('HMGET', key, 'size', 'expires', 'cancelled_by', 'created',
    'deadline', 'limit', 'leased', 'queue_timeout')
  batch = false
  if not found.err and (found[1] or found[3]) then
    local size, expires, by, created, deadline, limit, leased, queue_timeout = unpack(found)
    batch = {size = tonumber(size or 0), expires = size and expires, limit = limit, counts = {},
      done = {}, running = 0, deadline = deadline, leased = leased}
    if not by and leased and now > tonumber(leased) then
      by = 'producer lost'
      redis.call('HSET', key, 'cancelled_by', by)
    end
    if by then
      batch.fate = cancelled(by)
    elseif deadline and now >= tonumber(deadline) then
      batch.fate = timed_out('batch', limit)
    end
    -- When the first of its slots may have waited too long.
    batch.impatient = queue_timeout and created + queue_timeout
  end
  ended[id] = batch
  return batch
end

-- The verdict on a queued job that waited longer than it may, else nil and the ms that are left.
local function waited(id, payload)
  local tail = payload and string.sub(payload, -256)
  if not tail then
    tail = redis.pcall('GETRANGE', P.job .. id, -256, -1)
    if type(tail) ~= 'string' then return nil end
  end
  local limit, enqueued = string.match(tail, '.*,"queue_timeout":([%d.eE+-]+).*,"et":(%d+)')
  if not limit then return nil end
  local left = enqueued + limit * 1000 - now
  if left > 0 then return nil, left end
  return timed_out('queue', limit * 1000)
end

-- What the result repeats of the job: a small one's name and arguments, a large one's name.
local function repeated(id, payload)
  local tail = payload
  if not payload then
    payload = redis.pcall('GETRANGE', P.job .. id, 0, 4096)
    if type(payload) ~= 'string' then payload = '' end
    tail = #payload > 4096 and redis.call('GETRANGE', P.job .. id, -256, -1) or payload
  end
  local name = string.match(payload, '^{("f":".-"),"a":%[') or '"f":"<unknown>"'
  local all = #payload <= 4096 and string.match(payload, '^{("f":".*),"t":null,"timeout":')
  return all or name .. ',"a":[],"k":{}', string.match(tail, '.*,"et":(%d+)') or ms(now)
end

-- Ends one queued job; `attempts` is how many it had. Its data stays, for a redrive.
local clean, members = {}, {}
local function end_job(batch_id, batch, id, slot, attempts, verdict, payload)
  clean[#clean + 1], clean[#clean + 2] = P.in_progress .. id, P.retry .. id
  members[#members + 1] = id
  if not batch.expires then
    clean[#clean + 1], clean[#clean + 2] = P.job .. id, P.result .. id
    return
  end
  local status, text, fields = unpack(verdict)
  slot = ms(slot)
  local call, enqueued = repeated(id, payload)
  redis.call('SET', P.result .. id, table.concat({
    '{"worker":"","t":', attempts, ',"id":"', id, '","status":"', status, '","s":false,"r":', text,
    ',', call, ',"batch":"', batch_id, '","slot":', slot, ',"et":', enqueued, ',"st":null,"ft":',
    ms(now), ',"q":', cjson.encode(KEYS[1]), ',', fields, '}'}), 'PXAT', batch.expires)
  batch.counts[status] = (batch.counts[status] or 0) + 1
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, status
  if attempts > 0 then batch.running = batch.running + 1 end
end

-- Tells whether a batch has ended, and so late that it would not stay for as long as was asked.
local function ended_late(id, batch)
  local found = redis.call('HMGET', P.batch .. id, 'keep',
    'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')
  local left = batch.size
  for i = 2, 6 do left = left - (found[i] or 0) end
  return left <= 0 and now + (found[1] or 0) > tonumber(batch.expires)
end

-- Counts, completion entries and clean-up of all that end_job ended; KEYS[2] holds the marks.
-- Returns the batches that ended late.
local function flush_ended()
  local late = {}
  if #members == 0 then return late end
  redis.call('DEL', unpack(clean))
  redis.call('ZREM', KEYS[1], unpack(members))
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HDEL', KEYS[2], unpack(members)) end
  for id, batch in pairs(ended) do
    if batch and #batch.done > 0 then
      local key = P.batch .. id
      for status, count in pairs(batch.counts) do redis.call('HINCRBY', key, status, count) end
      if batch.running > 0 then redis.call('HINCRBY', key, 'running', -batch.running) end
      redis.call('XADD', P.done .. id, '*', unpack(batch.done))
      redis.call('PEXPIREAT', P.done .. id, batch.expires)
      if ended_late(id, batch) then late[#late + 1] = id end
    end
  end
  return late
end
