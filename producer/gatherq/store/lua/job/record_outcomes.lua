-- Records outcomes: result, clean-up, counts and completion in one atomic step.
-- A batch with more failures than it tolerates is cancelled in the same step, by "policy".
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch, gates
-- KEYS: queue, abort, cancel_marks, wake
-- ARGV: worker, channel, events, lives, groups, jobs, ...results
-- lives: {batch: its life, ...} as JSON. groups: {signature: text of an error group as JSON, ...}, as JSON.
-- jobs: a JSON list with a list for each job, all strings: id,
-- attempt, number of its claim, status, slot or '' for a job without a batch, keep (ms; -1 for ever; a
-- batch has its own), ms to leave a mark for plain arq workers (0: none), whether the job has a history
-- (1 or 0), and where it is not a success its signature, or none. results: one for each job.
-- Returns {{a reply for each job}, {batches that sweep.lua is to be run for}, {batches that extend.lua is to be
-- run for}}. Replies: recorded; already (an earlier call of this attempt recorded it); refused (the
-- attempt is not the current one, or the job has an outcome); gone (its batch, or that life of it, is no longer in
-- Redis).
lives, groups, jobs = cjson.decode(lives), cjson.decode(groups), cjson.decode(jobs)
local held, ids, seen, replies = {}, {}, {}, {}
for i, job in ipairs(jobs) do
  ids[i] = job[1]
  held[2 * i - 1], held[2 * i] = prefix.in_progress .. job[1], prefix.retry .. job[1]
end
held = #jobs > 0 and redis.call('MGET', unpack(held)) or held
local ended = find_ended(ids)

-- Whether the result of a job is that of this attempt.
local function is_recorded(id, attempt, result)
  local head = '{"worker":"' .. worker .. '","t":' .. attempt .. ','
  return read('GETRANGE', prefix.result .. id, 0, #head - 1) == head
    or read('GET', prefix.result .. id) == result
end

-- Returns the reply for a job, and its batch.
local function reply_for(i, id, attempt, claim, slot)
  local batch_id, batch = nil, nil
  if slot ~= '' then
    batch_id = string.sub(id, 1, -2 - #slot)
    batch = batches[batch_id]
    if batch == nil then batch = batch_of(batch_id) end
  end
  local token = worker .. ':' .. attempt .. ':' .. claim
  local holder, alive = held[2 * i - 1], batch and batch.alive
  local same = alive and batch.life == lives[batch_id]
  if alive and not same then return 'refused' end
  if seen[id] or ended[id] or holder ~= token and (holder or held[2 * i] ~= attempt or is_redriven(id, attempt)) then
    local before = seen[id] == token or is_recorded(id, attempt, ARGV[before_results + i])
    return before and 'already' or 'refused'
  end
  seen[id] = token
  return (slot == '' or same) and 'recorded' or 'gone', batch
end

-- A job whose lease has run out may have been claimed by another worker that could not begin it, and wait again: then
-- it is not counted as running.
local function take_back_wait(batch, id)
  local score = tonumber(read('ZSCORE', queue, id) or '')
  if not score or score % 1 == 0 or score % 1 == 0.5 then return end -- it is begun
  count(batch, 'running', 1)
  if score == PARKED then count(batch, 'parked', -1) end
end

-- results_of_batches: key, number of the job, expiry, ...; others: {key, value, keep}.
local results_of_batches, others, clean, members = {}, {}, {}, {}
for i, job in ipairs(jobs) do
  local id, attempt, claim, status, slot, keep, mark, history, sig = unpack(job)
  local reply, batch = reply_for(i, id, attempt, claim, slot)
  replies[i] = reply
  if reply == 'recorded' or reply == 'gone' then
    clean[#clean + 1], clean[#clean + 2] = prefix.in_progress .. id, prefix.retry .. id
    if history == '1' then clean[#clean + 1] = prefix.attempts .. id end
    -- The data of a slot that did not succeed stays with its batch, for a redrive.
    if status == 'succeeded' or slot == '' or reply == 'gone' then clean[#clean + 1] = prefix.job .. id end
    members[#members + 1] = id
    if mark ~= '0' then others[#others + 1] = {prefix.in_progress .. id, '1', mark} end
  end
  if reply == 'recorded' then
    if batch then
      local n = #results_of_batches
      results_of_batches[n + 1], results_of_batches[n + 2] = prefix.result .. id, i
      results_of_batches[n + 3] = batch.until_
      local counts, done = batch.counts, batch.done
      counts[status] = (counts[status] or 0) + 1
      if not held[2 * i - 1] then take_back_wait(batch, id) end
      done[#done + 1], done[#done + 2] = slot, status
      if batch.size <= FEW_SLOTS and status == 'succeeded' then
        bring_along(batch, slot, ARGV[before_results + i])
      end
      if sig then
        local counted = batch.groups
        local n = counted and counted[sig]
        if n then counted[sig] = n + 1 else add_to_group(batch, sig, 1, slot, groups[sig] or '') end
      end
    elseif keep ~= '0' then
      others[#others + 1] = {prefix.result .. id, ARGV[before_results + i], keep}
    end
  end
end
if #members == 0 then return {replies, {}, {}} end

-- From here on the step only writes; first what frees memory, which a full server never refuses.
delete(clean)
try('ZREM', queue, unpack(members))
try('ZREM', abort, unpack(members))
-- Seldom there is either; who may not look at gates is refused, and asks for each by itself.
local has_marks_or_gates = redis.pcall('EXISTS', cancel_marks, prefix.gates .. queue) ~= 0
if has_marks_or_gates then try('HDEL', cancel_marks, unpack(members)) end
for i = 1, #results_of_batches, 3 do
  redis.call('SET', results_of_batches[i], ARGV[before_results + results_of_batches[i + 1]],
    'PXAT', results_of_batches[i + 2])
end
for _, batch in pairs(batches) do
  if batch then count(batch, 'running', -#batch.done / 2) end
end
for _, other in ipairs(others) do
  local key, value, keep = unpack(other)
  if keep == '-1' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', keep) end
end
if has_marks_or_gates then gate_keeper(members) end
local extend, to_sweep = write_batches()
return {replies, to_sweep, extend}
