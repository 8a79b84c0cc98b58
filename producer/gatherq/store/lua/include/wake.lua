-- Wakes one idle worker. After: access.
local WAKE_TTL = '60000'

local function wake_worker()
  if read('LLEN', wake) ~= 0 and redis.call('TYPE', wake).ok == 'list' then return end
  write('RPUSH', wake, '1')
  redis.call('PEXPIRE', wake, WAKE_TTL)
end
