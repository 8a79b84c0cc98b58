-- A batch that is large, or limited, enters the queue little by little: it is `gradual` (1; 2 where each end of a slot
-- admits the next). Its slots are numbers, so what waits outside is one number, the next to admit, and costs nothing.
-- Fields of its hash:
--   admitted, beyond: the next slot to admit; slots after that one that are outside no more
--   again: slots in the set prefix.again, which go first
--   max_at_once, interval: slots inside at once; time between two starts (µs)
--   turn, called: earliest time of the next start (ms); the slot that is to start before the next is admitted
--   pace: name of a gate that has the turn, for several batches
--   priority, starts: of all its slots; when they may start (ms)
--   passed: the last slot that a worker has passed over; ahead: slots that were queued by themselves, for a delay or
--   priority of their own
-- After: clock, queue_scores, values, access, wake.

-- Batches of more slots than this are admitted little by little.
local WINDOW = 200

-- Returns what steps do with gradual batches, and reads how far this one is admitted. Made at first need: most steps
-- meet none.
local admission_made
local function admission(batch)
  if admission_made then
    if batch then admission_made.read(batch) end
    return admission_made
  end
  local ADMISSION = {'admitted', 'beyond', 'again', 'max_at_once', 'interval', 'called', 'starts', 'turn', 'priority',
    'pace', 'passed', 'ahead'}
  -- In the set of those who go first a priority of 1 is worth so many slots.
  local LEVEL = 1e9
  -- So many slots may wait, if workers that do not know their jobs have passed over them: others may follow.
  local MOST_PASSED_OVER = 2000
  -- A step looks at so many slots at the most that may be outside no more.
  local MOST_LOOKED_AT = 1000
  -- Of a rate of one start a day, with room (µs); the longest delay that a producer may ask for, with room (ms).
  local LONGEST_INTERVAL, LONGEST_DELAY = 1e11, 1e11

  -- Limits as they stand in a hash. A number that nobody of ours can have written counts as not given, or it would keep
  -- all out for ever: none at once, less than a start a day, a turn that is further away than two intervals, a delay
  -- of more than a year.
  local function most_in(raw)
    local most = whole(raw)
    return most ~= 0 and most or nil
  end

  local function interval_in(raw)
    local interval = whole(raw)
    return interval and interval > 0 and interval <= LONGEST_INTERVAL and interval or nil
  end

  local function turn_in(raw, interval)
    local turn = time_in(raw)
    return turn <= now + (interval or LONGEST_INTERVAL) / 500 + 1000 and turn or 0
  end

  -- Reads how far a gradual batch is admitted.
  local function read_fields(batch)
    if batch.admitted then return end
    local raw = read('HMGET', prefix.batch .. batch.id, unpack(ADMISSION)) or {}
    for i, name in ipairs(ADMISSION) do batch[name] = whole(raw[i]) end
    batch.max_at_once, batch.interval = most_in(raw[4]), interval_in(raw[5])
    batch.turn = turn_in(raw[8], batch.interval)
    batch.pace = raw[10] or nil
    if batch.starts and batch.starts > now + LONGEST_DELAY then batch.starts = nil end
    batch.ahead = batch.ahead or 0
    batch.priority = priority_in(raw[9])
    batch.admitted = batch.admitted or batch.written
    batch.beyond, batch.again = batch.beyond or 0, batch.again or 0
  end

  local function set(batch, field, value)
    if batch[field] == value then return end
    batch[field] = value
    batch.changes[field] = value and digits(value)
    if not value then
      batch.forgotten = batch.forgotten or {}
      batch.forgotten[#batch.forgotten + 1] = field
    end
  end

  -- How many slots of a batch are in the queue or at work.
  local function inside_of(batch)
    return batch.admitted + batch.beyond - batch.again - (batch.size - batch.left)
  end

  -- How many slots wait outside, at the most: of those who left, some may have ended before they were written.
  local function outside_of(batch)
    local left = math.max(batch.beyond - math.max(batch.size - batch.written, 0), 0)
    return math.max(batch.written - batch.admitted - left, 0) + batch.again
  end

  -- Whether a slot has begun since its last redrive: then it has left, though Redis has lost its place and its token.
  -- Another may not go in its stead: who began it may still be at work, and go on.
  local function has_begun(id)
    local attempts = whole(read('GET', prefix.retry .. id) or '') or 0
    return attempts > 0 and not is_redriven(id, attempts)
  end

  -- Whether a slot may be outside: it is there if it has not ended either, and is not in the queue.
  local function is_outside(batch, slot)
    if slot >= batch.written then return false end
    if slot >= batch.admitted then return not has_begun(string.format('%s:%.0f', batch.id, slot)) end
    return batch.again > 0 and read('ZSCORE', prefix.again .. batch.id, digits(slot)) and true
  end

  -- Notes that a slot has ended, or is queued by itself, that waited outside; says whether it did.
  local function leave_outside(batch, slot)
    if batch.again > 0 and read('ZREM', prefix.again .. batch.id, slot) == 1 then
      set(batch, 'again', batch.again - 1)
      return true
    end
    if slot < batch.admitted then return false end
    set(batch, 'beyond', batch.beyond + 1)
    return true
  end

  local function put_again(batch, slot, order)
    local key = prefix.again .. batch.id
    write('ZADD', key, string.format('%.0f', order), digits(slot))
    redis.call('PEXPIREAT', key, digits(batch.expires))
    set(batch, 'again', batch.again + 1)
  end

  -- Puts an ended slot outside again.
  local function wait_outside(batch, slot)
    if slot >= batch.admitted then
      set(batch, 'beyond', math.max(batch.beyond - 1, 0))
    else
      put_again(batch, slot, slot)
    end
  end

  -- Lets a slot after `admitted` go before the others, for its own priority.
  local function go_first(batch, slot, priority)
    if priority <= (batch.priority or 0) then return end
    set(batch, 'beyond', batch.beyond + 1)
    put_again(batch, slot, slot - priority * LEVEL)
  end

  -- Of a rate: how many may start at once to make up for a delay.
  local function burst_of(interval) return math.max(1, math.ceil(10000 / interval)) end
  local function exact_now() return time[1] * 1000 + time[2] / 1000 end

  -- When the next may start, after one that started now: an interval after its turn if it was late by little, so
  -- that a rate is reached in spite of that; else an interval from now, so that nothing comes in a burst.
  local function next_turn(turn, interval)
    local step, at = interval / 1000, exact_now()
    return (at - turn <= burst_of(interval) * step and turn or at) + step
  end

  local function turn_of(batch)
    if not batch.pace then return batch.turn end
    return turn_in(read('HGET', prefix.gate .. queue .. ':' .. batch.pace, 'turn'), batch.interval)
  end

  local function start_in_turn(batch, slot)
    local turn = next_turn(turn_of(batch), batch.interval)
    local text = string.format('%.3f', turn)
    if batch.pace then
      local gate = prefix.gate .. queue .. ':' .. batch.pace
      write('HSET', gate, 'turn', text)
      redis.call('PEXPIRE', gate, GATE_TTL)
    else
      batch.turn, batch.changes.turn = turn, text
    end
    if slot == batch.called then set(batch, 'called', nil) end
  end

  -- Whether a slot after `admitted` is outside no more.
  local function has_left(batch, slot)
    local id = string.format('%s:%.0f', batch.id, slot)
    return read('ZSCORE', queue, id) or redis.call('EXISTS', prefix.result .. id, prefix.in_progress .. id) > 0
      or has_begun(id) or read('ZSCORE', prefix.again .. batch.id, digits(slot))
  end

  -- Counts outcomes anew where the batch says that there are fewer than there are: what has ended would be taken for
  -- what is inside, and keep others out. Of a result that is gone the count stays. Only of as many slots as a step
  -- looks at.
  local function recount_outcomes(batch)
    if batch.size > MOST_LOOKED_AT or next(batch.counts) then return end -- this step has ended some: the next will look
    local keys = {}
    for slot = 0, batch.size - 1 do keys[slot + 1] = string.format('%s%s:%.0f', prefix.result, batch.id, slot) end
    if redis.call('EXISTS', unpack(keys)) <= batch.size - batch.left then return end
    local counts = {succeeded = 0, failed = 0, timed_out = 0, cancelled = 0, lost = 0}
    for _, key in ipairs(keys) do
      local status = string.match(read('GETRANGE', key, 0, 500) or '', '"status":"([%l_]+)"')
      if counts[status] then counts[status] = counts[status] + 1 end
    end
    batch.left = batch.size
    for name, n in pairs(counts) do
      set(batch, name, n)
      batch.left = batch.left - n
    end
  end

  -- Counts anew who is outside: of those who left, Redis may have lost some, or all that were to go first. Of more
  -- slots than a step looks at, these are found once fewer are left.
  local function recount_outside(batch)
    recount_outcomes(batch)
    set(batch, 'again', read('ZCARD', prefix.again .. batch.id) or 0)
    if batch.called and not read('ZSCORE', queue, string.format('%s:%.0f', batch.id, batch.called)) then
      set(batch, 'called', nil)
    end
    if batch.beyond == 0 or batch.size - batch.admitted > MOST_LOOKED_AT then return end
    local beyond = 0
    for slot = batch.admitted, batch.size - 1 do
      if has_left(batch, slot) then beyond = beyond + 1 end
    end
    set(batch, 'beyond', beyond)
  end

  -- Puts slots outside that Redis has lost altogether, and that have not begun: whether they were inside or waited is
  -- not known any more. Of a limited batch they take their turn like all others.
  local function put_back(batch, slots)
    recount_outside(batch)
    for _, slot in ipairs(slots) do put_again(batch, slot, slot) end
  end

  -- The next slots to admit, at most n, and the priorities of those that have their own.
  local function next_outside(batch, n)
    local slots, priorities, looked = {}, {}, 0
    if batch.again > 0 then
      local key = prefix.again .. batch.id
      local first = read('ZRANGE', key, 0, n - 1, 'WITHSCORES') or {}
      for i = 1, #first, 2 do
        local slot = whole(first[i])
        slots[#slots + 1] = slot
        if slot then priorities[slot] = priority_in(digits((slot - tonumber(first[i + 1])) / LEVEL)) end
        write('ZREM', key, first[i])
      end
      set(batch, 'again', #first == 0 and 0 or math.max(batch.again - #first / 2, 0))
    end
    local at, beyond = batch.admitted, batch.beyond
    while #slots < n and at < batch.written and looked < MOST_LOOKED_AT do
      if beyond > 0 and (priorities[at] or has_left(batch, at)) then
        beyond = beyond - 1
      else
        slots[#slots + 1] = at
      end
      at, looked = at + 1, looked + 1
    end
    set(batch, 'admitted', at)
    set(batch, 'beyond', beyond)
    return slots, priorities
  end

  -- How many slots a batch may admit now: less than `low` are to wait in the queue before any is, and then as
  -- many as `high`.
  local function room_of(batch, low, high)
    local inside = inside_of(batch)
    local room = outside_of(batch)
    if batch.interval then
      if batch.called then return 0 end
      room = math.min(room, burst_of(batch.interval))
    elseif not batch.max_at_once or batch.max_at_once > WINDOW then
      local waiting = inside - (batch.running or 0) - (batch.parked or 0) - batch.ahead
      if batch.passed and waiting < MOST_PASSED_OVER then
        waiting = math.min(waiting, batch.admitted - 1 - batch.passed)
      end
      waiting = math.max(waiting, 0)
      if waiting >= low then return 0 end
      room = math.min(room, high - waiting)
    end
    return batch.max_at_once and math.min(room, batch.max_at_once - inside) or room
  end

  -- Admits slots of a batch, if it has room; returns members of the queue with their scores.
  local function admit(batch, low, high)
    local entries = {}
    if batch.by or batch.elsewhere then return entries end
    if batch.passing then high = WINDOW end
    local room = room_of(batch, low, high)
    if room <= 0 then return entries end
    local slots, priorities = next_outside(batch, room)
    local at = batch.starts
    for n, slot in ipairs(slots) do
      if batch.interval then
        local from = math.max(turn_of(batch), at or 0, exact_now())
        at = from + (n == 1 and 0 or batch.interval / 1000)
        set(batch, 'called', slot)
      end
      local priority = (priorities[slot] or 0) ~= 0 and priorities[slot] or batch.priority
      entries[2 * n - 1] = queue_score(n, priority, batch.interval and at + 1 or at)
      entries[2 * n] = string.format('%s:%.0f', batch.id, slot)
    end
    return entries
  end

  admission_made = {read = read_fields, set = set, outside_of = outside_of, is_outside = is_outside,
    has_left = has_left, has_begun = has_begun, put_back = put_back, leave_outside = leave_outside,
    wait_outside = wait_outside, go_first = go_first, exact_now = exact_now,
    next_turn = next_turn, turn_of = turn_of, start_in_turn = start_in_turn, admit = admit,
    most_in = most_in, interval_in = interval_in, turn_in = turn_in}
  if batch then read_fields(batch) end
  return admission_made
end
