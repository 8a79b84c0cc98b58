-- Part of the steps that know batches; after: safe.
local FIELDS = {'size', 'expires', 'written', 'life', 'keep', 'cancelled_by', 'created', 'deadline',
  'limit', 'lease', 'leased', 'queue_timeout', 'tolerate', 'writing', 'deleting',
  'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'running', 'queue'}
local ENDED = {'succeeded', 'failed', 'timed_out', 'cancelled', 'lost'}

-- An unfinished batch stays at least for so long (ms) after somebody last looked after it.
local LEAST_LIFE = 3600000

-- What claims to have more jobs than a producer submits is damaged: nobody goes through all of them.
local MOST_JOBS = 10000000

-- Reads a batch, once a step; false where there is none. A field that is no number counts as not
-- given. One without a size is being deleted, or is no batch of ours: `alive` says which.
local batches = {}
local function batch_of(id)
  local batch = batches[id]
  if batch ~= nil then return batch end
  local found = read('HMGET', P.batch .. id, unpack(FIELDS))
  batch = false
  if found and (found[1] or found[6]) then
    batch = {id = id, changes = {}, done = {}, counts = {}}
    for i, name in ipairs(FIELDS) do batch[name] = whole(found[i]) end
    if batch.size and batch.size > MOST_JOBS then batch.size = nil end
    batch.by = found[6] and said(found[6])
    batch.life = found[4] and string.sub(found[4], 1, 100) or ''
    batch.keep = batch.keep or 0
    -- Whether it is of another queue: its jobs are not to be looked for, or put, into this one.
    batch.elsewhere = KEYS[1] and found[#FIELDS] and found[#FIELDS] ~= KEYS[1]
    batch.alive = batch.size ~= nil and not batch.deleting
    if batch.alive then
      batch.written = batch.written or batch.size
      batch.left = batch.size
      for _, name in ipairs(ENDED) do batch.left = batch.left - (batch[name] or 0) end
      if not batch.expires or batch.expires <= now then
        local left = redis.call('PTTL', P.batch .. id)
        batch.expires = now + (left > 0 and left or LEAST_LIFE)
      end
      batch.until_ = ms(batch.expires)
    end
  end
  batches[id] = batch
  return batch
end

-- The batch and slot that an id names, if it is one of that batch's: an id alone makes nothing a
-- slot. Without the slot: the batch is gone, or being deleted; without the batch, too: it is gone, or
-- another under the same id has fewer slots.
local function slot_of(id)
  local batch_id, text = string.match(id, '^([%w_.-]+):(%d+)$')
  if not batch_id or #batch_id > 128 or #text > 15 then return nil end
  if #text > 1 and string.byte(text) == 48 then return nil end -- a leading zero
  local batch, slot = batches[batch_id], tonumber(text)
  if batch == nil then batch = batch_of(batch_id) end
  if batch and batch.alive and slot >= batch.size then return batch_id end
  return batch_id, batch and batch.alive and slot or nil, batch
end

-- Notes another value of a field, for flush.
local function change(batch, field, value)
  batch.changes[field], batch[field] = value, value
end

local function count(batch, field, n)
  batch.counts[field] = (batch.counts[field] or 0) + n
end

-- Whether its producer has died: judged only by who was in contact for as long as its lease is, so
-- that it had the time to renew it after an outage.
local function judge_producer(batch, contact)
  if batch.judged or batch.by or not batch.alive then return end
  batch.judged = true
  local late = batch.leased and now > batch.leased and contact >= (batch.lease or 0)
  local unfinished = batch.writing and batch.written < batch.size and now > batch.writing
  if late or unfinished then
    batch.by = 'producer lost'
    batch.changes.cancelled_by = batch.by
  end
end

-- How long in full contact (ms), for who was so since `since`, and until `last`.
local function contact_of(since, last, lease)
  since, last = tonumber(since), tonumber(last)
  return last > 0 and now - last <= lease / 2 and now - since or 0
end

-- Whether it goes soon although it is not finished, or stays for another time after its end than
-- was asked: extend.lua is to be run.
local function mistimed(batch)
  local left = batch.expires - now
  if batch.left > 0 then return left < math.max(batch.keep, LEAST_LIFE) / 8 end
  return left < batch.keep or left > batch.keep * 9 / 8 + 60000
end

-- Writes what was noted: fields, counts, completion entries (some hundred a batch at the most).
-- A batch with more failures than it tolerates is cancelled, by "policy".
-- Returns {batches that are mistimed}, {batches that were cancelled here}.
local function flush(channel)
  local late, stopped = {}, {}
  for id, batch in pairs(batches) do
    if batch then
      local fields, key = {}, P.batch .. id
      if batch.alive then
        for name, n in pairs(batch.counts) do
          local before = batch[name] or 0
          batch[name] = math.max(before + n, 0)
          batch.changes[name] = ms(batch[name])
          if name ~= 'running' then batch.left = batch.left - batch[name] + before end
        end
        local bad = (batch.failed or 0) + (batch.timed_out or 0) + (batch.lost or 0)
        if batch.tolerate and bad > batch.tolerate and batch.left > 0 and not batch.by then
          batch.by, batch.stopped = 'policy', true
          batch.changes.cancelled_by = 'policy'
        end
      end
      for name, value in pairs(batch.changes) do
        fields[#fields + 1], fields[#fields + 2] = name, value
      end
      if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
      if #batch.done > 0 and batch.alive then
        write('XADD', P.done .. id, '*', unpack(batch.done))
        redis.call('PEXPIREAT', P.done .. id, ms(batch.expires))
        if mistimed(batch) then late[#late + 1] = id end
      end
      if batch.stopped then
        redis.call('PUBLISH', channel, cjson.encode({batch = id, by = batch.by}))
        stopped[#stopped + 1] = id
      end
    end
  end
  return late, stopped
end
