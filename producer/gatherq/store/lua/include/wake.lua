-- Wakes idle workers. After: access.

-- Wakes one; with the key of a lane, one that has a place for the jobs in it. For so many new `jobs` several are woken
-- at once: of few jobs each worker wakes the next.
local function wake_worker(key, jobs)
  local TTL, JOBS_A_WAKE, MOST_WAKES = '60000', 50, 16
  key = key or wake
  local n, there = jobs and math.min(math.ceil(jobs / JOBS_A_WAKE), MOST_WAKES) or 1, read('LLEN', key)
  if there and there >= n then return end
  local elements = {}
  for i = 1, n - (there or 0) do elements[i] = '1' end
  write('RPUSH', key, unpack(elements))
  redis.call('PEXPIRE', key, TTL)
end
