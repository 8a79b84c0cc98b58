-- Claims up to n jobs: counts the attempt, sets the token, and hides the job for one lease.
-- Include: clock, queue_scores, released_score, values, access, wake, events, error_groups,
--   admission, batch, gates, statistics, end_queued_job, sign_of_life
-- KEYS: queue, cancel_marks, quarantine, wake, workers
-- ARGV: worker, n, lease, contact_since, contact_last, claim, most_bytes, channel,
--       events, totals, statistics, lanes, ...passing
-- lease: in ms. contact_since, contact_last: since and until when the worker was in contact with Redis
-- (ms). claim: number of this claim. most_bytes: size of the largest job that is handed over.
-- lanes: those that this worker takes jobs from, first of all, a JSON list of {name, for how many jobs of it there are
-- places, name of a kind of place, how many of that kind there are for all lanes together}; or ''.
-- passing: nothing; or names of jobs that the worker passes over (a JSON list, each name as in a job's
-- data), for how long after they were due (ms), the score to begin at, and how many members of the queue
-- with that score to skip.
-- An expired lease of another worker may be reclaimed only if this worker was in contact with Redis for
-- a full lease, and until just now. A score that is a whole ms is the end of a lease; one with a fraction
-- says that no worker has held the job since it was queued or released.
-- Of few jobs it claims a share, and wakes another worker for the rest: as many as there are for each worker that
-- is alive. Not of a large batch, which has more outside of the queue.
-- A job that must not run any more, because it or its batch is cancelled or late, ends here instead. A
-- member of the queue that cannot be a job is put into quarantine. Jobs of batches that are gone are removed.
-- Where it finds nothing, that is the worker's sign of life: the worker has no leases to renew.
-- Returns {now (ms), ms to the next visible job or -1, {members put into quarantine}, {batch, its size,
-- its life, its deadline (ms) or '', the length of that (ms) or '', its trace context or '', ...}, {batches
-- that extend.lua is to be run for}, id of a job that a plain arq worker holds or '', {score and members to
-- skip for the next claim, if names are passed over}, {batches that sweep.lua is to be run for}, then for each
-- job: id, attempt, score (ms) at which it was queued, data}. The data is false where there is none, and its
-- size where it is too large. The attempt is a number for the first one, else {attempt, entries of its
-- history ...}, to which a death that nobody reported is added here.
n = tonumber(n)
local asked = n
local lease_ms = tonumber(lease)
local contact = contact_of(contact_since, contact_last, lease_ms)
local may_reclaim = contact >= lease_ms
local MOST_ID, MOST_ENTRY, MOST_TRACE = 4096, 65536, 100
-- A worker is alive if it gave a sign of life in the last so many ms: one that has claims does every 10 s at least.
local SIGN_OF_LIFE = 15000
-- A worker that may not reclaim an expired lease hides it for so many ms, at the most: from others, too, who may.
-- Left in place, many of them would stand before what it may claim.
local LAPSED_WAIT = 250
-- A worker comes back after so many ms at the latest.
local LONGEST_WAIT = 60000

-- The most members of the queue that one claim looks at and leaves there, and the most bytes of jobs
-- that it passes over: so it stays well below 5 ms.
local MOST_LEFT, MOST_PASSED, MOST_BYTES = 1000, 200, 1048576
-- Jobs that one claim looks at in a lane that this worker has no place for.
local MOST_LOOKED_INTO = 50
local names, pass_for, from, same = unpack(ARGV, before_passing + 1)
local unknown
if names then
  unknown, pass_for = {}, tonumber(pass_for)
  for _, name in ipairs(cjson.decode(names)) do unknown[name] = true end
end
local bytes = 0
from, same = from or '-inf', tonumber(same or 0)

-- The name in a job's data, as it is written there; nil where there is none.
local function name_in(job)
  local head = string.sub(job, 1, 2048)
  if string.sub(head, 1, 6) ~= '{"f":"' then return nil end
  local at = string.find(head, '["\\]', 7)
  while at do
    if string.byte(head, at) == 34 then return string.sub(head, 6, at) end
    at = string.find(head, '["\\]', at + 2)
  end
end

-- A time (ms) as a score of a level below 0.
local function score_of_band(level, at) return string.format('%.0f', level * BAND + at) end

-- The score of a time that is so many ms away.
local function score_in(left) return digits(now + left) end

-- The attempt of a job, and its history. An attempt that has no entry there has died.
local deaths = {}
local function history_of(id, attempts)
  local key, history = prefix.attempts .. id, {attempts}
  for _, entry in ipairs(read('LRANGE', key, -100, -1) or {}) do
    if #entry <= MOST_ENTRY then history[#history + 1] = entry end
  end
  local last = string.match(history[#history], '^{"attempt":(%d+)')
  if tonumber(last) ~= attempts - 1 then
    local entry = string.format('{"attempt":%d,"status":"died","error":{"type":"WorkerDied",'
      .. '"message":"its lease ran out: the worker or its machine died, or lost Redis"},"ft":%s,'
      .. '"lapsed":true}', attempts - 1, digits(now))
    history[#history + 1] = entry
    deaths[#deaths + 1] = {key, entry}
  end
  return history
end

local function is_no_job(id)
  return #id > MOST_ID or not is_utf8(id)
end

most_bytes = tonumber(most_bytes)
local visible, hidden = score_in(0), score_in(lease_ms)
local reply, no_jobs, gone, scores = {visible, -1, {}, {}, {}, '', {}, {}}, {}, {}, {}
local first_attempts, later_attempts, endless, batches_told = {}, {}, {}, {}
local claimed, scanned, most_scanned = 0, 0, n + (unknown and MOST_PASSED or MOST_LEFT)

local function move(id, score)
  scores[#scores + 1], scores[#scores + 2] = score, id
end

-- Hides a job that nobody claims now until it is worth a look; `soonest` is when the first of them is.
local soonest
local function put_off(id, score)
  move(id, score)
  soonest = math.min(soonest or math.huge, tonumber(score) % BAND) -- in a band below 0 too
end

local function claim_job(id, attempts, slot, batch, score, place, job)
  move(id, hidden)
  claimed = claimed + 1
  if job and #job > most_bytes then job = #job end
  local at, number = 4 * claimed + 4, 1
  if attempts == 1 then
    first_attempts[#first_attempts + 1] = id
  else
    later_attempts[#later_attempts + 1] = {id, digits(attempts)}
    number = history_of(id, attempts)
  end
  reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = id, number, place, job
  if batch and not is_begun(attempts - 1, score) then batch.begun = (batch.begun or 0) + 1 end
  if batch and batch.interval then admission().start_in_turn(batch, slot) end
  if batch and batch.gradual == 1 and n < asked and admission(batch).outside_of(batch) > 0 then n = asked end
  if batch and not batches_told[batch] then
    batches_told[batch] = true
    local list, trace = reply[4], batch.trace
    if not trace or #trace > MOST_TRACE then trace = '' end
    for _, value in ipairs({batch.id, digits(batch.size), batch.life, batch.deadline and digits(batch.deadline)
      or '', batch.limit and digits(batch.limit) or '', trace}) do list[#list + 1] = value end
  end
end

-- Of the members that are looked at, slots that have an outcome.
local ended = {}

-- Decides on one member of the queue; returns true if it is claimed, and its score if it is passed over. `place` is its
-- score as Redis wrote it. `in_lane`: it is parked in a lane, and its score is the one of there.
local function look_at(id, score, place, job, token, attempts, mark, in_lane)
  attempts = attempts and whole(attempts) or 0
  if ended[id] then
    over[#over + 1] = id
    return
  end
  if token then
    -- The mark of a plain arq worker names no worker, and has a TTL: leave the job to that worker.
    local left = redis.call('PTTL', prefix.in_progress .. id)
    if left >= 0 and not string.find(token, ':', 1, true) then
      reply[6] = id
      return
    end
    if left < 0 then endless[#endless + 1] = prefix.in_progress .. id end
    put_off(id, score_in(left < 0 and lease_ms or math.min(math.max(left, 1), lease_ms)))
    return
  end
  local has_expired = attempts > 0 and score % 1 == 0 and not in_lane
  if has_expired and not may_reclaim then
    put_off(id, score_in(math.max(math.min(lease_ms - contact, LAPSED_WAIT), 10)))
    return
  end
  local batch_id, slot, batch = slot_of(id)
  if slot then
    check_producer(batch, contact)
    local verdict = (batch.by or batch.deadline) and batch_verdict(batch) or mark and cancelled(mark)
    if not verdict and batch.queue_timeout and attempts == 0
      and now >= (first_queue_timeout(batch) or math.huge) then
      verdict = queue_verdict(id, job)
    end
    if verdict then return end_job(batch, id, slot, attempts, in_lane and PARKED or score, verdict, job) end
    if batch.gradual then admission(batch) end
    if batch.interval and admission().exact_now() < admission().turn_of(batch) then
      batch.put_off = (batch.put_off or -1) + 1 -- each behind the one before
      if in_lane then count(batch, 'parked', -1) end
      local at = admission().turn_of(batch) + batch.put_off * batch.interval / 1000
      put_off(id, not in_lane and is_begun(attempts, score) and released_score(math.ceil(at - now) + 1, batch.priority)
        or queue_score(0, batch.priority, at + 1))
      return
    end
  elseif batch_id and (batch or not job and (attempts > 0 or score % 1 ~= 0)
    or job and string.find(job, ',"batch":"' .. batch_id .. '","slot":', -300, true)
    and redis.call('EXISTS', prefix.batch .. batch_id) == 0) then
    gone[#gone + 1] = id
    return
  end
  if unknown and slot and job and now - score < pass_for and unknown[name_in(job)] then
    bytes = bytes + #job
    if batch.gradual and slot > (batch.passed or -1) then admission().set(batch, 'passed', slot) end
    batch.passing = true
    return score
  end
  if in_lane then
    if batch then count(batch, 'parked', -1) end
    score = math.floor(score) + 0.25
  end
  claim_job(id, attempts + 1, slot, slot and batch, score, place, job)
  return true
end

local marked = redis.call('EXISTS', cancel_marks) == 1

-- Looks at some jobs with their scores; calls `left_alone` with what `look_at` says of each that is not claimed.
local function look_at_all(ids, queued, places, left_alone, in_lane)
  if #ids == 0 then return end
  local keys = {}
  for i, id in ipairs(ids) do
    keys[3 * i - 2], keys[3 * i - 1] = prefix.job .. id, prefix.in_progress .. id
    keys[3 * i] = prefix.retry .. id
  end
  local values = redis.call('MGET', unpack(keys))
  ended = find_ended(ids)
  local marks = marked and read('HMGET', cancel_marks, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    if claimed == n then break end
    local said = look_at(id, queued[i], places[i], values[3 * i - 2], values[3 * i - 1], values[3 * i], marks[i],
      in_lane)
    if said ~= true then left_alone(said) end
  end
end

-- Takes jobs from lanes. What is there and not parked has ended meanwhile, or was put back.
local left_lanes, lanes_left = {}, {}
lanes = lanes ~= '' and cjson.decode(lanes)
if lanes then
  local function take_from_lane(name, most)
    local key = prefix.lane .. queue .. ':' .. name
    local raw = read('ZRANGE', key, 0, math.min(most, 120) - 1, 'WITHSCORES') or {}
    if #raw == 0 then return end
    local ids, parked, queued, places = {}, {}, {}, {}
    for i = 1, #raw, 2 do ids[#ids + 1] = raw[i] end
    local found = read('ZMSCORE', queue, unpack(ids)) or {}
    for i, id in ipairs(ids) do
      local is_parked = tonumber(found[i] or '') == PARKED
      if is_parked and #parked < n - claimed then
        local at = #parked + 1
        local score = tonumber(raw[2 * i])
        local sound = is_time(score)
        parked[at], queued[at], places[at] = id, sound and score or 0, sound and raw[2 * i] or '0'
      end
      if not is_parked or parked[#parked] == id then left_lanes[#left_lanes + 1] = {key, id} end
    end
    look_at_all(parked, queued, places, function() end, true)
    lanes_left[#lanes_left + 1] = name
  end

  local left_of = {}
  for _, lane in ipairs(lanes) do
    local name, most, kind, of_kind = unpack(lane)
    local before = claimed
    most = math.min(most, left_of[kind] or of_kind)
    if most > 0 and claimed < n then take_from_lane(name, most) end
    left_of[kind] = (left_of[kind] or of_kind) - (claimed - before)
  end
end

-- Takes jobs with scores from one to another, those due first.
local at = tonumber(from)
local function take(first, last, leave_out, in_band)
  local before, left = claimed, leave_out
  local function left_alone(said)
    left = left + 1
    if in_band then return end
    if said == at then
      same = same + 1
    elseif said then
      at, same = said, 1
    end
  end
  while claimed < n and scanned < most_scanned and bytes < MOST_BYTES and #members < 120 do
    local want = math.min(n - claimed, 120)
    if bytes > 0 and bytes < 65536 then want = 120 end -- few are claimed here, and small ones
    local raw = read('ZRANGEBYSCORE', queue, first, last,
      'WITHSCORES', 'LIMIT', left + claimed - before, want) or {}
    local ids, queued, places = {}, {}, {}
    for i = 1, #raw, 2 do
      local id, score = raw[i], tonumber(raw[i + 1])
      if is_no_job(id) then
        no_jobs[#no_jobs + 1] = id
        left = left + 1
      else
        local at = #ids + 1
        local sound = is_time(score)
        ids[at], queued[at], places[at] = id, sound and score or 0, sound and raw[i + 1] or '0'
      end
    end
    if #raw == 0 then break end
    scanned = scanned + #raw / 2
    look_at_all(ids, queued, places, left_alone)
  end
end
local due = n > 1 and not unknown and read('ZCOUNT', queue, '-inf', visible) or 0
if due > 1 then
  local alive = read('ZCOUNT', workers, score_in(-SIGN_OF_LIFE), '+inf') or 0
  if alive > 1 then n = math.min(n, claimed + math.ceil(due / alive)) end
end
take(from, visible, same)
if claimed < n then n = asked end -- there is not even its share

-- Jobs of priorities below 0, if nothing else is to be done. `soonest_queued` is when the next job may be claimed.
local soonest_queued
if claimed < n then
  local function first_score(from, to)
    local found = read('ZRANGEBYSCORE', queue, from, to, 'WITHSCORES', 'LIMIT', 0, 1)
    return found and tonumber(found[2] or '')
  end
  local score = first_score('(' .. visible, '+inf')
  if score and score < BAND then
    soonest_queued, score = score, first_score(BAND, '+inf')
  end
  for level = 1, score and score < PARKED and 9 or 0 do
    take(score_of_band(level, 0), score_of_band(level, now), 0, true)
    local next = first_score('(' .. score_of_band(level, now), score_of_band(level, BAND / 2))
    if next then soonest_queued = math.min(soonest_queued or math.huge, next - level * BAND) end
  end
end

-- Ends what waits in a lane and may not run any more, as far as that stands at the head of it; sees to it that the
-- worker comes again when the next of it is due. Not of a batch that is over: that is swept.
if lanes and claimed < n and #members < 120 then
  local function look_into_lane(name)
    local key = prefix.lane .. queue .. ':' .. name
    local ids = read('ZRANGE', key, 0, MOST_LOOKED_INTO - 1) or {}
    if #ids == 0 then return end
    local keys = {}
    for i, id in ipairs(ids) do keys[2 * i - 1], keys[2 * i] = prefix.job .. id, prefix.retry .. id end
    local found, values = read('ZMSCORE', queue, unpack(ids)) or {}, redis.call('MGET', unpack(keys))
    for i, id in ipairs(ids) do
      local _, slot, batch = slot_of(id)
      if slot and tonumber(found[i] or '') == PARKED then
        local job, attempts = values[2 * i - 1] or nil, whole(values[2 * i] or '') or 0
        local verdict, left = batch_verdict(batch), batch.deadline and batch.deadline - now
        if not verdict and batch.queue_timeout and attempts == 0 then
          local wait
          verdict, wait = queue_verdict(id, job)
          if wait then left = math.min(left or wait, wait) end
        end
        if verdict then
          end_job(batch, id, slot, attempts, PARKED, verdict, job)
          left_lanes[#left_lanes + 1] = {key, id}
        elseif left then
          soonest = math.min(soonest or math.huge, now + left)
        end
      end
    end
  end
  for _, lane in ipairs(lanes) do
    if lane[2] == 0 then look_into_lane(lane[1]) end
  end
end

-- From here on the step only writes.
if #scores + #no_jobs + #gone + #over + #members > 0 then begin_writing() end
if claimed == 0 then sign_of_life() end
local function set_token(id, attempts, token)
  redis.call('SET', prefix.retry .. id, attempts, 'PX', RETRY_TTL)
  redis.call('SET', prefix.in_progress .. id, token, 'PX', lease)
end

local token = worker .. ':1:' .. claim
for _, id in ipairs(first_attempts) do set_token(id, '1', token) end
for _, job in ipairs(later_attempts) do
  set_token(job[1], job[2], table.concat({worker, job[2], claim}, ':'))
end
for batch in pairs(batches_told) do
  if not batch.running then change(batch, 'started', visible) end -- its first claim
  if batch.begun then count(batch, 'running', batch.begun) end
end
for _, death in ipairs(deaths) do
  write('RPUSH', death[1], death[2])
  redis.call('PEXPIRE', death[1], HISTORY_TTL)
end
for _, key in ipairs(endless) do redis.call('PEXPIRE', key, lease) end
in_chunks(scores, function(...) write('ZADD', queue, ...) end)
local left_behind = {}
for _, id in ipairs(gone) do
  for _, each in ipairs({prefix.in_progress, prefix.retry, prefix.job, prefix.attempts}) do
    left_behind[#left_behind + 1] = each .. id
  end
end
delete(left_behind)
in_chunks(gone, function(...) try('ZREM', queue, ...) end)
if #no_jobs > 0 then
  in_chunks(no_jobs, function(...) try('ZREM', queue, ...) end)
  for _, id in ipairs(no_jobs) do write('LPUSH', quarantine, string.sub(id, 1, 1024)) end
  redis.call('LTRIM', quarantine, 0, 99)
  redis.call('PEXPIRE', quarantine, QUARANTINE_TTL)
  event('quarantined', 'n', digits(#no_jobs))
  for i = 1, math.min(#no_jobs, 20) do reply[3][i] = string.sub(no_jobs[i], 1, 1024) end
end
for _, each in ipairs(left_lanes) do try('ZREM', each[1], each[2]) end
for _, name in ipairs(lanes_left) do -- another worker may have places for the rest
  if read('ZCARD', prefix.lane .. queue .. ':' .. name) ~= 0 then
    wake_worker(prefix.lane_wake .. queue .. ':' .. name)
  end
end
gate_keeper(gone)
end_jobs()
local low = math.min(math.max(asked, 10), WINDOW / 2)
local admitted
reply[5], reply[8], admitted = write_batches(low, 2 * low, true)

if claimed == n then
  if n > 0 then wake_worker() end -- another one, for this worker stops watching the queue
elseif #members >= 120 or scanned >= most_scanned or bytes >= MOST_BYTES then
  reply[2] = 0
else
  from, same, at = score_in(-1), 0, nil -- a job that may run from now on has a later score
  local next = math.min(soonest or math.huge, soonest_queued or math.huge)
  if next < math.huge then reply[2] = math.ceil(math.min(next - now, LONGEST_WAIT)) end
  if admitted then reply[2] = 0 end
  if bytes > 0 then wake_worker() end -- another one may know what this one has passed over
end
if unknown then
  reply[7] = {at and string.format('%.17g', at) or from, digits(same)}
end
return reply
