-- For `mend`. After: clock, queue_scores, values, access, wake, batch, gates.

-- Those of some parked jobs that wait nowhere: somebody has removed their lane or gate. Lets those at gates in
-- that may have been forgotten there.
local function lost_parked(ids)
  local lost, keeper, looked = {}, nil, {}
  if #ids == 0 then return lost end
  local names = read('HMGET', prefix.gates .. queue, unpack(ids)) or {}
  local lanes = read('SMEMBERS', prefix.lanes .. queue) or {}
  for i, id in ipairs(ids) do
    local name = names[i]
    local waits = name and read('ZSCORE', prefix.waiting .. queue .. ':' .. name, id)
    if waits and not looked[name] then
      looked[name], keeper = true, keeper or gate_keeper()
      keeper.look(name)
    end
    for _, lane in ipairs(lanes) do waits = waits or read('ZSCORE', prefix.lane .. queue .. ':' .. lane, id) end
    if not waits and tonumber(read('ZSCORE', queue, id) or '') == PARKED then lost[#lost + 1] = id end
  end
  return lost
end
