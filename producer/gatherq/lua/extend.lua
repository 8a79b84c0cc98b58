-- Lets an ended batch stay, from its completion on, for as long as was asked; slots in runs, the
-- batch itself with the last, so that no slot is gone before it.
-- KEYS: 1 batch hash
-- ARGV: 1 prefixes (JSON), 2 batch id, 3 first slot, 4 number of slots, at most 500,
--       5 new expiry (ms) or '' to begin
-- Returns {size, new expiry (ms)}; size 0 where there is no such batch.
local P = cjson.decode(ARGV[1])
local size, keep = unpack(redis.call('HMGET', KEYS[1], 'size', 'keep'))
if not size then return {0, ''} end
local expires = ARGV[5]
if expires == '' then
  local time = redis.call('TIME')
  expires = string.format('%.0f', time[1] * 1000 + math.floor((keep or 0) * 9 / 8))
  redis.call('HSET', KEYS[1], 'expires', expires)
end
local last = math.min(ARGV[3] + ARGV[4], tonumber(size)) - 1
for slot = tonumber(ARGV[3]), last do
  local id = string.format('%s:%.0f', ARGV[2], slot)
  for _, name in ipairs({'result', 'job', 'attempts'}) do
    redis.call('PEXPIREAT', P[name] .. id, expires)
  end
end
if last == size - 1 then
  for _, name in ipairs({'batch', 'done', 'digests'}) do
    redis.call('PEXPIREAT', P[name] .. ARGV[2], expires)
  end
end
return {tonumber(size), expires}
