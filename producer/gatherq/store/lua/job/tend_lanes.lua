-- Says that a worker takes jobs from some lanes, and puts jobs back into the queue that wait in a lane which nobody
-- has taken jobs from for a while: their workers have gone, or have another version of the code. Looks after some of
-- the jobs that wait at gates, too.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch, gates
-- KEYS: queue, wake
-- ARGV: channel, events, ...mine
-- mine: names of the lanes.
-- Returns how many jobs were put back out of lanes, of each a hundred at the most.
local SERVED_FOR, MOST, MOST_AT_GATES = '10000', 100, '20'
local is_mine, back = {}, {}
for i = before_mine + 1, #ARGV do
  is_mine[ARGV[i]] = true
  note('SET', prefix.lane_served .. queue .. ':' .. ARGV[i], '1', 'PX', SERVED_FOR)
end
for _, lane in ipairs(note('SMEMBERS', prefix.lanes .. queue) or {}) do
  local tail = queue .. ':' .. lane
  if not is_mine[lane] and note('EXISTS', prefix.lane_served .. tail) == 0 then
    local ids = read('ZRANGE', prefix.lane .. tail, 0, MOST - 1) or {}
    for n, id in ipairs(ids) do
      if tonumber(read('ZSCORE', queue, id) or '') == PARKED then
        local _, slot, batch = slot_of(id)
        if slot then count(batch, 'parked', -1) end
        back[#back + 1], back[#back + 2] = queue_score(n, 0), id
      end
    end
    if #ids > 0 then try('ZREM', prefix.lane .. tail, unpack(ids)) else try('SREM', prefix.lanes .. queue, lane) end
  end
end
-- At some gates it lets in who may have been forgotten: a job inside that Redis has lost calls nobody.
local looked, keeper = {}, nil
local some = note('HRANDFIELD', prefix.gates .. queue, MOST_AT_GATES, 'WITHVALUES') or {}
for i = 2, #some, 2 do
  local name = some[i]
  if not looked[name] and (read('ZCARD', prefix.waiting .. queue .. ':' .. name) or 0) > 0 then
    keeper, looked[name] = keeper or gate_keeper(), true
    keeper.look(name)
  end
end
if #back > 0 then
  in_chunks(back, function(...) write('ZADD', queue, ...) end)
  wake_worker()
end
write_batches(1, 20)
return #back / 2
