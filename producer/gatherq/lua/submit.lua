-- Writes one run of a batch's jobs and wakes a worker. Repeating it changes nothing.
-- KEYS: 1 queue, 2 batch hash, 3 wake list, 4 digests
-- ARGV: 1 batch id, 2 batch size, 3 keep (ms), 4 first slot, 5 job prefix, 6 result prefix,
--       7 terms of the batch, kept from the first run, as a JSON object of integers: tolerate
--       (failures), limit, lease, queue_timeout (ms),
--       8 the jobs' digests, 8 bytes each, or '' for a batch that nobody will submit again,
--       9.. a job each, as JSON without its closing brace
-- Returns {size, slot that differs or -1, cancelled or not (1, 0)}: a size other than ARGV[2], or
-- a slot, says that the id is taken, and nothing was written; size -1 that the batch has gone
-- since its first run.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function ms(n) return string.format('%.0f', n) end

local size, expires, stopped = unpack(redis.call('HMGET', KEYS[2], 'size', 'expires', 'cancelled_by'))
if not size then
  if ARGV[4] ~= '0' or stopped then return {-1, -1, 0} end
  -- An eighth more, so that the completion of most batches need not touch their keys again.
  size, expires = ARGV[2], ms(now + math.floor(ARGV[3] * 9 / 8))
  local fields = {'size', size, 'created', ms(now), 'expires', expires, 'keep', ARGV[3]}
  local function add(name, value)
    fields[#fields + 1], fields[#fields + 2] = name, ms(value)
  end
  local terms = cjson.decode(ARGV[7])
  for name, value in pairs(terms) do add(name, value) end
  if terms.limit then add('deadline', now + terms.limit) end
  if terms.lease then add('leased', now + terms.lease) end
  redis.call('HSET', KEYS[2], unpack(fields))
  redis.call('PEXPIREAT', KEYS[2], expires)
end
if size ~= ARGV[2] then return {tonumber(size), -1, 0} end

local digests = ARGV[8]
if digests ~= '' then
  local start = ARGV[4] * 8
  local known = redis.call('GETRANGE', KEYS[4], start, start + #digests - 1)
  if known ~= digests then
    local none = string.rep('\0', 8)
    for i = 1, #known, 8 do
      local there = string.sub(known, i, i + 7)
      if there ~= none and there ~= string.sub(digests, i, i + 7) then
        return {tonumber(size), ARGV[4] + (i - 1) / 8, 0}
      end
    end
    redis.call('SETRANGE', KEYS[4], start, digests)
    redis.call('PEXPIREAT', KEYS[4], expires)
  end
end

local enqueued = string.format(',"et":%.0f}', now)
local entries, ids, keys = {}, {}, {}
for i = 9, #ARGV do
  ids[i] = string.format('%s:%.0f', ARGV[1], ARGV[4] + i - 9)
  keys[#keys + 1], keys[#keys + 2] = ARGV[5] .. ids[i], ARGV[6] .. ids[i]
end
local all_new = #keys == 0 or redis.call('EXISTS', unpack(keys)) == 0
for i = 9, #ARGV do
  local id = ids[i]
  if all_new or redis.call('EXISTS', ARGV[5] .. id, ARGV[6] .. id) == 0 then
    redis.call('SET', ARGV[5] .. id, ARGV[i] .. enqueued, 'PXAT', expires)
    -- Scores rise within the run, so that slots start in order.
    entries[#entries + 1] = string.format('%.3f', now - 1 + (i - 9) / 1000)
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
return {tonumber(size), -1, stopped and 1 or 0}
