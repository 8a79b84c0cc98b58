-- Ends jobs that are queued and must not run, with the record that record_outcomes.lua writes for
-- those that ran. Signatures are those of contract/remote_errors/error_groups.py.
-- Keys: queue, cancel_marks. After: clock, queue_scores, values, access, error_groups, admission, batch, gates,
-- statistics.

-- Verdicts: {status, text of the outcome, its other fields (JSON), signature}. fakeredis makes no signature.
local function verdict_of(status, text, fields)
  local sig = redis.sha1hex and string.sub(redis.sha1hex(text), 1, 8) or ''
  return {status, text, fields, sig}
end

local function cancelled(by)
  by = json_text(by)
  return verdict_of('cancelled', 'cancelled by: ' .. by, '"by":' .. cjson.encode(by))
end

local function timed_out(which, limit)
  limit = string.format('%.14g', (limit or 0) / 1000)
  local text = string.format('timed out: %s limit of %s s', which, limit)
  return verdict_of('timed_out', text, string.format('"which":"%s","limit":%s', which, limit))
end

local function failed(kind, message)
  return verdict_of('failed', kind .. ': ' .. message,
    string.format('"error":{"type":"%s","message":"%s"}', kind, message))
end

-- The verdict on all jobs of a batch that have not begun; nil where they may begin.
local function batch_verdict(batch)
  if batch.by then return cancelled(batch.by) end
  if batch.deadline and now >= batch.deadline then return timed_out('batch', batch.limit) end
end

-- When the first slot of a batch may reach its queue timeout (ms); nil for a batch without one.
local function first_queue_timeout(batch)
  return batch.queue_timeout and batch.created and batch.created + batch.queue_timeout
end

-- The end of a job's data, which gatherq wrote whatever the call says; no such end in another format.
local function tail_of(id, payload)
  local tail = payload and string.sub(payload, -160)
    or read('GETRANGE', prefix.job .. id, -160, -1) or ''
  return (string.gsub(tail, ',"base":%d+}$', '}'))
end

-- The verdict on a queued job that has reached its queue timeout; else nil, and the ms that are left.
local function queue_verdict(id, payload)
  local tail, delay = tail_of(id, payload), 0
  local limit, enqueued = string.match(tail, ',"queue_timeout":([%d.eE+-]+),"et":(%d+)}$')
  if not limit then
    limit, delay, enqueued = string.match(tail,
      ',"queue_timeout":([%d.eE+-]+),"delay":([%d.eE+-]+),"et":(%d+)}$')
  end
  limit, delay, enqueued = tonumber(limit), tonumber(delay), tonumber(enqueued)
  if not limit or not delay then return nil end
  local left = enqueued + (delay + limit) * 1000 - now
  if left > 0 then return nil, left end
  return timed_out('queue', limit * 1000)
end

-- Where the last `needle` in a text begins.
local function last_of(text, needle)
  local last, at = nil, string.find(text, needle, 1, true)
  while at do last, at = at, string.find(text, needle, at + 1, true) end
  return last
end

-- What a record repeats of its job: name and arguments of a small one, the name of a large one.
-- Returns these as JSON, when the job was enqueued, and the name as text.
local function call_of(id, payload)
  local head = payload and string.sub(payload, 1, 4097)
    or read('GETRANGE', prefix.job .. id, 0, 4096) or ''
  local enqueued = string.match(tail_of(id, payload), ',"et":(%d+)}$') or digits(now)
  local cut = #head <= 4096 and string.sub(head, 1, 6) == '{"f":"' and is_utf8(head)
    and last_of(head, ',"t":null,"timeout":')
  if cut then
    local call = string.sub(head, 1, cut - 1)
    local sound, decoded = pcall(cjson.decode, call .. '}')
    if sound and type(decoded.f) == 'string' and type(decoded.a) == 'table' and type(decoded.k) == 'table' then
      return string.sub(call, 2), enqueued, decoded.f
    end
  end
  local name = string.match(string.sub(head, 1, 1100), '^{"f":"([^"\\%c]*)","a":')
  if not name or not is_utf8(name) then name = '<unknown>' end
  return '"f":"' .. name .. '","a":[],"k":{}', enqueued, name
end

-- Whether a job that nobody holds has been begun since it was queued.
local function is_begun(attempts, score)
  return attempts > 0 and (score % 1 == 0 or score % 1 == 0.5)
end

-- Ends one queued slot, for `end_jobs`; `attempts` is how many it had, `score` its score in the queue, nil where
-- it is not there. Its data stays, for a redrive. A slot that has an outcome keeps it, and only leaves the queue
-- (`over`): somebody has written it there, or has set back how far its batch is admitted.
local clean, members, over, results, rows, row_of = {}, {}, {}, {}, {}, {}
local PLACE_OF = {failed = 3, timed_out = 5, cancelled = 7}
local function end_job(batch, id, slot, attempts, score, verdict, payload)
  if find_ended({id})[id] then
    over[#over + 1] = id
    return
  end
  clean[#clean + 1], clean[#clean + 2] = prefix.in_progress .. id, prefix.retry .. id
  members[#members + 1] = id
  if score == PARKED then count(batch, 'parked', -1) end
  local gradual = batch.gradual and admission(batch)
  if not score and gradual and gradual.leave_outside(batch, slot) then
    score = PARKED -- as if: it is not begun
  elseif slot == batch.called then
    gradual.set(batch, 'called', nil) -- it is read of gradual batches alone
  end
  if attempts > 0 and (not score or is_begun(attempts, score)) then count(batch, 'running', -1) end
  local status, text, fields, sig = unpack(verdict)
  local call, enqueued, name = call_of(id, payload)
  slot = digits(slot)
  results[#results + 1] = {prefix.result .. id, table.concat({
    '{"worker":"","t":', digits(attempts), ',"id":"', id, '","status":"', status, '","sig":"', sig,
    '","s":false,"r":', cjson.encode(text), ',', call, ',"batch":"', batch.id, '","slot":', slot,
    ',"et":', enqueued, ',"st":null,"ft":', digits(now), ',"q":', cjson.encode(json_text(queue)), ',', fields,
    '}'}), batch.until_}
  count(batch, status, 1)
  local group = not (batch.groups and batch.groups[sig])
    and cjson.encode({text = text, where = '', status = status, name = json_text(name)})
  add_to_group(batch, sig, 1, slot, group)
  local row = row_of[name]
  if not row then
    row = {#name <= 1024 and name or '<unknown>', 2, 0, 3, 0, 4, 0}
    row_of[name], rows[#rows + 1] = row, row
  end
  row[PLACE_OF[status]] = row[PLACE_OF[status]] + 1
  batch.done[#batch.done + 1], batch.done[#batch.done + 2] = slot, status
end

-- Writes all that `end_job` noted; `write_batches` is still to follow.
local function end_jobs()
  delete(clean)
  for _, result in ipairs(results) do redis.call('SET', result[1], result[2], 'PXAT', result[3]) end
  in_chunks(members, function(...) try('ZREM', queue, ...) end)
  in_chunks(over, function(...) try('ZREM', queue, ...) end)
  in_chunks(members, function(...) try('HDEL', cancel_marks, ...) end)
  gate_keeper(members)
  add_statistics(rows)
end
