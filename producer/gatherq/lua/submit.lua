-- Writes one run of a batch's jobs and wakes a worker. Repeating it changes nothing.
-- KEYS: 1 queue, 2 batch hash, 3 wake list
-- ARGV: 1 batch id, 2 batch size, 3 keep (ms), 4 first slot, 5 job prefix, 6 result prefix,
--       7.. a job each, as JSON without its closing brace
-- Returns the batch's size: other than ARGV[2], the id is taken and nothing was written.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local size, expires = unpack(redis.call('HMGET', KEYS[2], 'size', 'expires'))
if not size then
  size, expires = ARGV[2], string.format('%.0f', now + ARGV[3])
  redis.call('HSET', KEYS[2], 'size', size, 'created', string.format('%.0f', now), 'expires', expires)
  redis.call('PEXPIREAT', KEYS[2], expires)
end
if size ~= ARGV[2] then return tonumber(size) end

local enqueued = string.format(',"et":%.0f}', now)
local entries, ids, keys = {}, {}, {}
for i = 7, #ARGV do
  ids[i] = string.format('%s:%.0f', ARGV[1], ARGV[4] + i - 7)
  keys[#keys + 1], keys[#keys + 2] = ARGV[5] .. ids[i], ARGV[6] .. ids[i]
end
local all_new = #keys == 0 or redis.call('EXISTS', unpack(keys)) == 0
for i = 7, #ARGV do
  local id = ids[i]
  if all_new or redis.call('EXISTS', ARGV[5] .. id, ARGV[6] .. id) == 0 then
    redis.call('SET', ARGV[5] .. id, ARGV[i] .. enqueued, 'PXAT', expires)
    -- Scores rise within the run, so that slots start in order.
    entries[#entries + 1] = string.format('%.3f', now - 1 + (i - 7) / 1000)
    entries[#entries + 1] = id
  end
end
if #entries > 0 then
  redis.call('ZADD', KEYS[1], unpack(entries))
  if redis.call('LLEN', KEYS[3]) == 0 then
    redis.call('RPUSH', KEYS[3], '1')
    redis.call('PEXPIRE', KEYS[3], 60000)
  end
end
return tonumber(size)
