-- The hashes of batches: read once a step, changed in memory, written by `write_batches`.
-- After: clock, queue_scores, values, access, wake, events, error_groups, admission.
local FIELDS = {'size', 'expires', 'written', 'life', 'keep', 'cancelled_by', 'created', 'deadline',
  'limit', 'lease', 'leased', 'queue_timeout', 'tolerate', 'writing',
  'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'running', 'parked', 'gradual',
  'trace', 'kind', 'queue'}
local ENDED = {'succeeded', 'failed', 'timed_out', 'cancelled', 'lost'}

-- Completions of a batch of no more slots bring the results of those that succeeded along, if these are short: who
-- waits for a few jobs has them a round trip sooner. Of many it would take the server's memory twice.
local FEW_SLOTS = 10

-- An unfinished batch stays at least for so long (ms) after somebody last looked after it.
local LEAST_LIFE = 3600000

-- A lifetime that is longer than asked for by no more than this (ms) is left as it is.
local EXCESS = 60000

-- A batch with more slots than a producer may submit is damaged: no step goes through all of them.
local MOST_JOBS = 10000000

-- Reads a batch; false where there is none. A field that is no number counts as not given. A hash
-- without a size is being deleted, or is no batch of ours: then it is not `alive`.
local batches = {}
local function batch_of(id)
  local batch = batches[id]
  if batch ~= nil then return batch end
  local raw = read('HMGET', prefix.batch .. id, unpack(FIELDS))
  batch = false
  if raw and (raw[1] or raw[6]) then
    batch = {id = id, changes = {}, done = {}, counts = {}}
    for i, name in ipairs(FIELDS) do batch[name] = whole(raw[i]) end
    if batch.size and batch.size > MOST_JOBS then batch.size = nil end
    batch.by = raw[6] and json_text(raw[6])
    batch.life = life_in(raw[4])
    batch.keep = batch.keep or 0
    -- Whether it is of another queue: then its jobs are neither looked for nor put into this one.
    batch.elsewhere = raw[#FIELDS] and raw[#FIELDS] ~= queue
    batch.kind, batch.trace = raw[#FIELDS - 1], raw[#FIELDS - 2]
    batch.alive = batch.size ~= nil
    if batch.alive then
      batch.written = batch.written or batch.size
      batch.left = batch.size
      for _, name in ipairs(ENDED) do batch.left = batch.left - (batch[name] or 0) end
      if not batch.expires or batch.expires <= now then
        local left = redis.call('PTTL', prefix.batch .. id)
        batch.expires = now + (left > 0 and left or LEAST_LIFE)
      end
      batch.until_, batch.had_ended = digits(batch.expires), batch.left <= 0
    end
  end
  batches[id] = batch
  return batch
end

-- Returns batch id, slot and batch that a job's id names. An id alone makes no job a slot: no slot
-- where the batch is gone or being deleted, neither slot nor batch where it is gone or has fewer slots
-- now, and nil for an id that names no slot.
local function slot_of(id)
  local batch_id, text = string.match(id, '^([%w_.-]+):(%d+)$')
  if not batch_id then return nil end
  if #text > 1 and string.byte(text) == 48 then return nil end -- a leading zero
  local batch, slot = batches[batch_id], tonumber(text)
  if batch == nil then batch = batch_of(batch_id) end
  if batch and batch.alive and slot >= batch.size then return batch_id end
  return batch_id, batch and batch.alive and slot or nil, batch
end

-- Which of these jobs are slots that have an outcome, as a set. Something else in its place gives way to one.
local function find_ended(ids)
  local ended, keys = {}, {}
  for i, id in ipairs(ids) do keys[i] = prefix.result .. id end
  if #ids == 0 or redis.call('EXISTS', unpack(keys)) == 0 then return ended end
  for i, id in ipairs(ids) do
    local _, slot = slot_of(id)
    local head = slot and read('GETRANGE', keys[i], 0, 1199) or ''
    ended[id] = string.find(head, ',"id":"' .. id .. '",', 1, true) ~= nil
  end
  return ended
end

-- Whether the index lists a batch, and events tell of it. Small unnamed ones would cost more than they say.
local function is_listed(batch)
  return batch.kind == 'submit' or batch.kind == 'gather' and (batch.size or 0) >= 10
end

-- Changes a field, for `write_batches`.
local function change(batch, field, value)
  batch.changes[field] = type(value) == 'number' and digits(value) or value
  batch[field] = value
end

-- Adds to a count, for `write_batches`.
local function count(batch, field, n)
  batch.counts[field] = (batch.counts[field] or 0) + n
end

-- Notes the result of a slot for `write_batches`, unless it takes more than a KiB.
local function bring_along(batch, slot, result)
  if #result > 1024 then return end
  local results = batch.results or {}
  batch.results = results
  results[#results + 1], results[#results + 2] = 'result:' .. slot, result
end

-- Cancels a batch whose producer has died. Only who was in contact with Redis for as long as the
-- producer lease is may judge so: after an outage the producer needs that time to renew it.
local function check_producer(batch, contact)
  if batch.checked or batch.by then return end
  batch.checked = true
  local expired = batch.leased and now > batch.leased and contact >= (batch.lease or 0)
  local unfinished = batch.writing and now > batch.writing
  if expired or unfinished then
    batch.by = 'producer lost'
    batch.changes.cancelled_by = batch.by
  end
end

-- For how long (ms) a process has been in contact: since `since`, if the last contact was just now.
local function contact_of(since, last, lease)
  since, last = tonumber(since), tonumber(last)
  return now - last <= lease / 2 and now - since or 0
end

-- Whether the lifetime of a batch needs extend.lua: it expires soon and is not finished, or it has
-- ended and would stay for another time than its producer asked for.
local function must_extend(batch)
  local left = batch.expires - now
  if batch.left > 0 then return left < math.max(batch.keep, LEAST_LIFE) / 8 end
  return left < batch.keep or left > batch.keep * 9 / 8 + EXCESS
end

-- How a batch ended whose last slot has an outcome now: as `gatherq ls` says it.
local function state_of(batch)
  if (batch.failed or 0) + (batch.timed_out or 0) + (batch.lost or 0) > 0 then return 'failed' end
  return (batch.cancelled or 0) > 0 and 'cancelled' or 'succeeded'
end

-- Notes events of a batch: that this step has cancelled it, and how it ended.
local function tell_of(batch, state)
  local by, left = batch.changes.cancelled_by, string.format('%.0f', math.max(batch.left, 0))
  if by then event('cancelled', 'batch', batch.id, 'by', by, 'n', left) end
  if state then event('ended', 'batch', batch.id, 'n', string.format('%.0f', batch.size), 'state', state) end
end

-- Writes changes, counts and completions (some hundred a batch at the most). A batch with more failures than it
-- tolerates is cancelled here, by "policy". Of gradual batches it admits further slots, `high` where less than `low`
-- wait in the queue; without these numbers only where each end admits the next. `claims`: who calls it claims
-- itself, and wakes others.
-- Returns {batches that extend.lua is to be run for}, {batches that sweep.lua is to be run for}, and whether it has
-- admitted any slot.
local function write_batches(low, high, claims)
  local extend, to_sweep, admitted = {}, {}, 0
  for id, batch in pairs(batches) do
    if batch and batch.alive then
      local fields, key, state = {}, prefix.batch .. id, nil
      local has_new_outcomes, has_new_failures = false, false
      for name, n in pairs(batch.counts) do
        local before = batch[name] or 0
        batch[name] = math.max(before + n, 0)
        batch.changes[name] = digits(batch[name])
        if name ~= 'running' and name ~= 'parked' then
          batch.left = batch.left - batch[name] + before
          has_new_outcomes = has_new_outcomes or n > 0
          has_new_failures = has_new_failures or n > 0 and name ~= 'succeeded' and name ~= 'cancelled'
        end
      end
      local bad = (batch.failed or 0) + (batch.timed_out or 0) + (batch.lost or 0)
      if has_new_failures and batch.tolerate and bad > batch.tolerate and batch.left > 0 and not batch.by then
        batch.by, batch.cancelled_here = 'policy', true
        batch.changes.cancelled_by = 'policy'
      end
      if batch.left <= 0 and has_new_outcomes then
        batch.changes.ended, state = digits(now), state_of(batch)
        batch.running, batch.changes.running = 0, '0' -- a claim that was lost with the queue may still be counted
      elseif batch.had_ended and batch.left > 0 then
        redis.call('HDEL', key, 'ended')
      end
      if batch.gradual and (low or batch.gradual > 1) then
        local entries = admission(batch).admit(batch, low or 1, high or WINDOW)
        if #entries > 0 then
          in_chunks(entries, function(...) write('ZADD', queue, ...) end)
          admitted = admitted + #entries / 2
        end
      end
      if batch.forgotten then redis.call('HDEL', key, unpack(batch.forgotten)) end
      for name, value in pairs(batch.changes) do
        fields[#fields + 1], fields[#fields + 2] = name, value
      end
      if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
      if #batch.done > 0 then
        for _, part in ipairs(batch.results or {}) do batch.done[#batch.done + 1] = part end
        write('XADD', prefix.done .. id, '*', 'life', batch.life, unpack(batch.done))
        redis.call('PEXPIREAT', prefix.done .. id, digits(batch.expires))
        if must_extend(batch) then extend[#extend + 1] = id end
      end
      if batch.groups then
        write_groups(batch.groups, batch.first_of, prefix.errors .. id, digits(batch.expires))
      end
      if is_listed(batch) then tell_of(batch, state) end
      if batch.cancelled_here then
        redis.call('PUBLISH', channel, cjson.encode({batch = id, by = batch.by}))
      end
      -- Slots outside that may not run any more: no claim will ever meet them.
      local over = batch.by or batch.deadline and now >= batch.deadline
      local waits = over and batch.gradual and admission(batch).outside_of(batch) > 0
      if batch.cancelled_here or waits then to_sweep[#to_sweep + 1] = id end
    end
  end
  if admitted > 0 and not claims then wake_worker(wake, admitted) end
  return extend, to_sweep, admitted > 0
end
