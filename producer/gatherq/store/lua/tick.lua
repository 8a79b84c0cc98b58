-- Queues one run of a cron job, once for each tick, and wakes a worker.
-- Include: safe
-- KEYS: 1 queue, 2 job, 3 result, 4 mark of the tick, 5 wake list
-- ARGV: 1 prefixes (JSON), 2 id, 3 job, 4 due (ms), 5 ms to keep the job's data, 6 ms to keep the mark
-- Returns 1; 0 if the tick was queued before, or a job of that id is queued, running or kept.
if redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
local there = redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
redis.call('SET', KEYS[4], '1', 'PX', ARGV[6])
if there then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
write('ZADD', KEYS[1], ARGV[4], ARGV[2])
wake(KEYS[5])
return 1
