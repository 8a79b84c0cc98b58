-- Wakes one idle worker; with the key of a lane, one that has a place for the jobs in it. After: access.
local WAKE_TTL = '60000'

local function wake_worker(key)
  key = key or wake
  if read('LLEN', key) ~= 0 and redis.call('TYPE', key).ok == 'list' then return end
  write('RPUSH', key, '1')
  redis.call('PEXPIRE', key, WAKE_TTL)
end
