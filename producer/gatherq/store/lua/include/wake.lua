-- Wakes one idle worker; with a lane, one that has a place for the jobs in it. After: access.
local WAKE_TTL = '60000'

local function wake_worker(lane)
  local key = lane and prefix.lane_wake .. queue .. ':' .. lane or wake
  if read('LLEN', key) ~= 0 and redis.call('TYPE', key).ok == 'list' then return end
  write('RPUSH', key, '1')
  redis.call('PEXPIRE', key, WAKE_TTL)
end
