-- Says that a worker takes jobs from some lanes, and puts jobs back into the queue that wait in a lane which nobody
-- has taken jobs from for a while: their workers have gone, or have another version of the code.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch
-- KEYS: queue, wake
-- ARGV: channel, events, ...mine
-- mine: names of the lanes.
-- Returns how many jobs were put back, of each lane a hundred at the most.
local SERVED_FOR, MOST = '10000', 100
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
if #back > 0 then
  in_chunks(back, function(...) write('ZADD', queue, ...) end)
  wake_worker()
  write_batches(1, 20)
end
return #back / 2
