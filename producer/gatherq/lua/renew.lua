-- Renews leases and signs the worker as alive.
-- KEYS: 1 queue, 2 workers, 3 cancel marks
-- ARGV: 1 worker, 2 lease (ms), 3 in-progress prefix, 4 retry prefix, 5 batch prefix,
--       then: id, attempt, ...
-- A lease is renewed if its token is held, or is gone but its attempt is still the current one.
-- Returns {now (ms), {ids whose lease is lost}, {id to be cancelled, by, ...}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost, scores, ids, batches, asked = {}, {}, {}, {}, {}
for i = 6, #ARGV, 2 do
  local id, attempt = ARGV[i], ARGV[i + 1]
  local token = ARGV[1] .. ':' .. attempt
  local held, current = unpack(redis.call('MGET', ARGV[3] .. id, ARGV[4] .. id))
  if held == token or (not held and current == attempt) then
    redis.call('SET', ARGV[3] .. id, token, 'PX', ARGV[2])
    redis.call('PEXPIRE', ARGV[4] .. id, 88400000)
    scores[#scores + 1] = string.format('%.0f', now + ARGV[2])
    scores[#scores + 1] = id
    ids[#ids + 1] = id
  else
    lost[#lost + 1] = id
  end
end
if #scores > 0 then redis.call('ZADD', KEYS[1], 'XX', unpack(scores)) end
-- For the messages that were missed: what is held, and is cancelled by itself or with its batch;
-- and for a producer that has died, which sends none.
local marks = #ids > 0 and redis.call('EXISTS', KEYS[3]) == 1
  and redis.call('HMGET', KEYS[3], unpack(ids)) or {}
for i, id in ipairs(ids) do
  local batch = string.match(id, '^(.*):%d+$')
  if batch and batches[batch] == nil then
    local found = redis.pcall('HMGET', ARGV[5] .. batch, 'cancelled_by', 'leased')
    local by, leased = found[1], found[2]
    if leased and not by and now > tonumber(leased) then
      by = 'producer lost'
      redis.call('HSET', ARGV[5] .. batch, 'cancelled_by', by)
    end
    batches[batch] = by or false
  end
  local by = marks[i] or batch and batches[batch]
  if by then asked[#asked + 1], asked[#asked + 2] = id, by end
end
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - 10 * ARGV[2]))
redis.call('PEXPIRE', KEYS[2], 86400000)
return {string.format('%.0f', now), lost, asked}
