-- Gates: of the jobs that share one, only so many run at a time, or start in a second.
-- A job is inside of a gate (a holder) from when it may start until it ends, or is released. Who comes while
-- the gate is full is parked, and waits in the order of its place in the queue. Whoever leaves calls the next:
-- that one is a holder from then on, and stands in the queue.
-- Keys, each with queue and name of the gate: prefix.gate (a hash: most, interval, turn, called; as the fields of a
-- batch), prefix.holders and prefix.waiting (sorted sets). prefix.gates (a hash of the queue) has the gate of each job.
-- After: clock, queue_scores, values, access, wake, batch.

-- Has jobs let go of their gates that have ended, or are released; `write_batches` is still to follow. Without jobs,
-- returns enter(...), and look(name), which lets those in who may have been forgotten. One function, since every step
-- makes it and few need it. Who may not look at gates has none.
local function gate_keeper(leaving)
  local of_jobs = prefix.gates .. queue
  if leaving and (#leaving == 0 or redis.pcall('EXISTS', of_jobs) ~= 1) then return end
  local gates, called_now = {}, 0
  local next_turn, exact_now = admission().next_turn, admission().exact_now

  local function gate_of(name)
    local gate = gates[name]
    if gate then return gate end
    local tail = queue .. ':' .. name
    gate = {key = prefix.gate .. tail, holders = prefix.holders .. tail, waiting = prefix.waiting .. tail}
    local raw = read('HMGET', gate.key, 'most', 'interval', 'turn', 'called') or {}
    local limits = admission()
    gate.most, gate.interval = limits.most_in(raw[1]), limits.interval_in(raw[2])
    gate.turn = limits.turn_in(raw[3], gate.interval)
    gate.called = raw[4] and read('ZSCORE', gate.holders, raw[4]) and raw[4] or nil
    gates[name] = gate
    return gate
  end

  local function keep(gate, field, value)
    gate[field] = value
    if value then write('HSET', gate.key, field, value) else write('HDEL', gate.key, field) end
    redis.call('PEXPIRE', gate.key, GATE_TTL)
  end

  local function put(key, ...)
    write('ZADD', key, ...)
    redis.call('PEXPIRE', key, GATE_TTL)
  end

  local function assign(id, name)
    write('HSET', of_jobs, id, name)
    redis.call('PEXPIRE', of_jobs, GATE_TTL)
  end

  -- A gate whose limits are lost lets in one at a time: that one tells them.
  local function has_room(gate)
    local most = gate.most or not gate.interval and 1
    return not most or (read('ZCARD', gate.holders) or 0) < most
  end

  -- Lets those in who wait, as far as there is room.
  local function call_next(gate, name)
    while has_room(gate) and not (gate.interval and gate.called) do
      local popped = read('ZPOPMIN', gate.waiting)
      local id, order = popped and popped[1], popped and tonumber(popped[2])
      if not id then return end
      if tonumber(read('ZSCORE', queue, id) or '') == PARKED then
        called_now = called_now + 1
        local at = is_time(order) and math.floor(order) or 0 -- perhaps later than now: it gave way to others
        at = math.min(at, math.floor(at / BAND) * BAND + now - 1)
        local score = string.format('%.2f', at + 0.25)
        if gate.interval and gate.turn > now then score = queue_score(called_now, 0, gate.turn + 1) end
        write('ZADD', queue, score, id)
        put(gate.holders, digits(now), id)
        local _, slot, batch = slot_of(id)
        if slot then count(batch, 'parked', -1) end
        if gate.interval then keep(gate, 'called', id) end
        wake_worker()
      else
        try('HDEL', of_jobs, id) -- it has ended meanwhile
      end
    end
  end

  local function leave(id, name)
    local gate = gate_of(name)
    if read('ZREM', gate.holders, id) ~= 1 then read('ZREM', gate.waiting, id) end
    try('HDEL', of_jobs, id)
    if gate.called == id then keep(gate, 'called', nil) end
    call_next(gate, name)
  end

  -- Holders that are nowhere any more: Redis or somebody else has removed them. The eldest are looked at. Whoever
  -- has lost its place in the queue alone runs, and is back there with its next renewal.
  local function drop_lost(gate, name)
    local eldest = read('ZRANGE', gate.holders, 0, 2) or {}
    eldest[#eldest + 1] = gate.called
    for _, id in ipairs(eldest) do
      if not read('ZSCORE', queue, id) and redis.call('EXISTS', prefix.in_progress .. id) == 0 then leave(id, name) end
    end
  end

  -- Returns 'enter'; 'park', for a job that is to wait at the gate; or the time (ms) at which one that is inside may
  -- start. `order_of` returns the order in which it is to wait.
  local function enter(id, name, most, interval, order_of)
    local gate = gate_of(name)
    if gate.most ~= most then keep(gate, 'most', most) end
    if gate.interval ~= interval then keep(gate, 'interval', interval) end
    local is_inside = read('ZSCORE', gate.holders, id)
    if not is_inside and not has_room(gate) then drop_lost(gate, name) end
    call_next(gate, name)
    local waits = not is_inside and ((read('ZCARD', gate.waiting) or 0) > 0 or not has_room(gate))
    local early = interval and exact_now() < gate.turn
    if waits or early and not is_inside then
      put(gate.waiting, order_of(), id)
      assign(id, name)
      return 'park'
    end
    if early then return gate.turn end
    put(gate.holders, 'NX', digits(now), id)
    assign(id, name)
    if interval then
      keep(gate, 'turn', string.format('%.3f', next_turn(gate.turn, interval)))
      gate.turn = tonumber(gate.turn)
      if gate.called == id then keep(gate, 'called', nil) end
      call_next(gate, name)
    end
    return 'enter'
  end

  for first = 1, leaving and #leaving or 0, 1000 do
    local some = {unpack(leaving, first, math.min(first + 999, #leaving))}
    for i, name in ipairs(read('HMGET', of_jobs, unpack(some)) or {}) do
      if name then leave(some[i], name) end
    end
  end
  return {enter = enter, look = function(name)
    drop_lost(gate_of(name), name)
    call_next(gate_of(name), name)
  end}
end
