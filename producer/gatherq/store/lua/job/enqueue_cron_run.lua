-- Queues one run of a cron job, once among all workers, and wakes a worker.
-- Include: access, wake
-- KEYS: queue, job_key, result_key, tick_key, wake
-- ARGV: job_id, payload, due, keep, tick_ttl
-- due: when the job is to run (ms). keep, tick_ttl: how long (ms) its data and the mark of this run stay.
-- Returns 1; 0 if this run was queued before, or a job of that id is queued, running or kept.
if redis.call('EXISTS', tick_key) == 1 then return 0 end
local exists = redis.call('EXISTS', job_key, result_key) > 0
redis.call('SET', tick_key, '1', 'PX', tick_ttl)
if exists then return 0 end
redis.call('SET', job_key, payload, 'PX', keep)
write('ZADD', queue, due, job_id)
wake_worker()
return 1
