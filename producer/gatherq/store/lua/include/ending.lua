-- Part of claim, cancel, sweep and mend: ends jobs that are not to run, as finish.lua ends those
-- that ran; after: safe, batch.
-- KEYS[1] is the queue, KEYS[2] holds the marks of cancelled jobs.

local function cancelled(by)
  by = said(by)
  return {'cancelled', cjson.encode('cancelled by: ' .. by), '"by":' .. cjson.encode(by)}
end

local function timed_out(which, limit)
  limit = string.format('%.14g', (limit or 0) / 1000)
  local text = string.format('"timed out: %s limit of %s s"', which, limit)
  return {'timed_out', text, string.format('"which":"%s","limit":%s', which, limit)}
end

local function failed(kind, message)
  return {'failed', string.format('"%s: %s"', kind, message),
    string.format('"error":{"type":"%s","message":"%s"}', kind, message)}
end

-- The verdict on whatever of a batch has not begun, if there is one.
local function fate_of(batch)
  if batch.by then return cancelled(batch.by) end
  if batch.deadline and now >= batch.deadline then return timed_out('batch', batch.limit) end
end

-- When the first of a batch's slots may have waited too long (ms); nil where none may wait too long.
local function impatient_at(batch)
  return batch.queue_timeout and batch.created and batch.created + batch.queue_timeout
end

-- The end of a job, which is ours whatever the call says; not found in what is not of our format.
local function tail_of(id, payload)
  local tail = payload and string.sub(payload, -160) or read('GETRANGE', P.job .. id, -160, -1) or ''
  return (string.gsub(tail, ',"base":%d+}$', '}'))
end

-- The verdict on a queued job that waited longer than it may, else nil and the ms that are left.
local function waited(id, payload)
  local limit, enqueued = string.match(tail_of(id, payload),
    ',"slot":%d+,"queue_timeout":([%d.eE+-]+),"et":(%d+)}$')
  limit, enqueued = tonumber(limit), tonumber(enqueued)
  if not limit or not enqueued then return nil end
  local left = enqueued + limit * 1000 - now
  if left > 0 then return nil, left end
  return timed_out('queue', limit * 1000)
end

-- Where `needle` begins last, as it stands.
local function last_of(text, needle)
  local found, at = nil, string.find(text, needle, 1, true)
  while at do found, at = at, string.find(text, needle, at + 1, true) end
  return found
end

-- What the result repeats of the job: a small one's name and arguments, a large one's name.
local function repeated(id, payload)
  local head = payload and string.sub(payload, 1, 4097) or read('GETRANGE', P.job .. id, 0, 4096) or ''
  local enqueued = string.match(tail_of(id, payload), ',"et":(%d+)}$') or ms(now)
  local cut = #head <= 4096 and string.sub(head, 1, 6) == '{"f":"' and is_utf8(head)
    and last_of(head, ',"t":null,"timeout":')
  if cut then
    local call = string.sub(head, 1, cut - 1)
    local sound, decoded = pcall(cjson.decode, call .. '}')
    if sound and decoded.a and decoded.k then return string.sub(call, 2), enqueued end
  end
  local name = string.match(string.sub(head, 1, 1100), '^{"f":"([^"\\%c]*)","a":')
  if not name or not is_utf8(name) then name = '<unknown>' end
  return '"f":"' .. name .. '","a":[],"k":{}', enqueued
end

-- Ends one queued job; `attempts` is how many it had. Its data stays, for a redrive.
local clean, members, results = {}, {}, {}
local function end_job(batch, id, slot, attempts, verdict, payload)
  clean[#clean + 1], clean[#clean + 2] = P.in_progress .. id, P.retry .. id
  members[#members + 1] = id
  if not batch or not batch.alive then
    clean[#clean + 1], clean[#clean + 2] = P.job .. id, P.attempts .. id
    return
  end
  local status, text, fields = unpack(verdict)
  local call, enqueued = repeated(id, payload)
  slot = ms(slot)
  results[#results + 1] = {P.result .. id, table.concat({
    '{"worker":"","t":', ms(attempts), ',"id":"', id, '","status":"', status, '","s":false,"r":', text,
    ',', call, ',"batch":"', batch.id, '","slot":', slot, ',"et":', enqueued, ',"st":null,"ft":',
    ms(now), ',"q":', cjson.encode(said(KEYS[1])), ',', fields, '}'}), batch.until_}
  count(batch, status, 1)
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, status
  if attempts > 0 then count(batch, 'running', -1) end
end

-- Writes all that end_job noted; flush is still to follow.
local function end_jobs()
  if #members == 0 then return end
  delete(clean)
  for _, result in ipairs(results) do redis.call('SET', result[1], result[2], 'PXAT', result[3]) end
  in_runs(members, function(...) try('ZREM', KEYS[1], ...) end)
  in_runs(members, function(...) try('HDEL', KEYS[2], ...) end)
end
