-- Queues one run of a cron job, once for each tick, and wakes a worker.
-- KEYS: 1 queue, 2 job, 3 result, 4 mark of the tick, 5 wake list
-- ARGV: 1 id, 2 job, 3 due (ms), 4 ms to keep the job's data, 5 ms to keep the mark
-- Returns 1; 0 if the tick was queued before, or a job of that id is queued, running or kept.
if not redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[5]) then return 0 end
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
if redis.call('LLEN', KEYS[5]) == 0 then
  redis.call('RPUSH', KEYS[5], '1')
  redis.call('PEXPIRE', KEYS[5], 60000)
end
return 1
