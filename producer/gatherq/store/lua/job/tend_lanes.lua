-- Says that a worker takes jobs from some lanes, and puts jobs back into the queue that wait in a lane which nobody
-- has taken jobs from for a while: their workers have gone, or have another version of the code. So are some of the
-- parked jobs that are in no lane and at no gate any more, and those at a gate let in that were forgotten there.
-- Include: clock, queue_scores, values, access, wake, events, error_groups, admission, batch, gates, lost_parked
-- KEYS: queue, wake
-- ARGV: channel, events, ...mine
-- mine: names of the lanes.
-- Returns how many jobs were put back, of each lane a hundred at the most.
local SERVED_FOR, MOST, MOST_PARKED = '10000', 100, 20
local is_mine, back = {}, {}
local function put_back(id)
  local _, slot, batch = slot_of(id)
  if slot then count(batch, 'parked', -1) end
  back[#back + 1], back[#back + 2] = queue_score(#back / 2 + 1, 0), id
end

-- Each time others of them.
local parked = read('ZCOUNT', queue, PARKED, PARKED) or 0
if parked > 0 then
  local first = read('ZCOUNT', queue, '-inf', '(' .. PARKED) + now % math.max(parked - MOST_PARKED + 1, 1)
  for _, id in ipairs(lost_parked(read('ZRANGE', queue, first, first + MOST_PARKED - 1))) do put_back(id) end
end

for i = before_mine + 1, #ARGV do
  is_mine[ARGV[i]] = true
  note('SET', prefix.lane_served .. queue .. ':' .. ARGV[i], '1', 'PX', SERVED_FOR)
end
for _, lane in ipairs(note('SMEMBERS', prefix.lanes .. queue) or {}) do
  local tail = queue .. ':' .. lane
  if not is_mine[lane] and note('EXISTS', prefix.lane_served .. tail) == 0 then
    local ids = read('ZRANGE', prefix.lane .. tail, 0, MOST - 1) or {}
    for _, id in ipairs(ids) do
      if tonumber(read('ZSCORE', queue, id) or '') == PARKED then put_back(id) end
    end
    if #ids > 0 then try('ZREM', prefix.lane .. tail, unpack(ids)) else try('SREM', prefix.lanes .. queue, lane) end
  end
end
if #back > 0 then
  begin_writing()
  in_chunks(back, function(...) write('ZADD', queue, ...) end)
  wake_worker()
end
write_batches(1, 20)
return #back / 2
