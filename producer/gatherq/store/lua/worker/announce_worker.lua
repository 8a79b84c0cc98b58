-- Writes the record of a worker process, and notes that its queue has a worker.
-- Include: clock, values, access, events
-- KEYS: queue, worker_key, queues
-- ARGV: worker, started, ttl, events, ...fields
-- started: when the worker began (ms), or 0 for now: then its start is noted too. ttl: how long (ms) the
-- record stays.
-- fields: field and value of the record, any number of times.
-- It needs memory, so a full server refuses it: nobody waits for a record.
-- Returns when the worker began (ms).
started, ttl = tonumber(started), tonumber(ttl)
local is_new = started == 0 and not read('HGET', worker_key, 'started')
if started == 0 then started = now end
write('HSET', worker_key, 'started', digits(started), unpack(ARGV, before_fields + 1))
redis.call('PEXPIRE', worker_key, ttl)
write('ZADD', queues, digits(now), queue)
redis.call('ZREMRANGEBYSCORE', queues, '-inf', digits(now - ttl))
redis.call('PEXPIRE', queues, ttl)
if is_new then event('worker_started', 'worker', worker) end
return digits(started)
