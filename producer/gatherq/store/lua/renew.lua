-- Renews leases and signs the worker as alive.
-- Include: safe, batch
-- KEYS: 1 queue, 2 workers, 3 cancel marks
-- ARGV: 1 prefixes (JSON), 2 worker, 3 lease (ms), 4 in contact since (ms), 5 last contact (ms),
--       6 whether it takes jobs, and so is alive (1 or 0), 7 control channel,
--       then: id, attempt, its token, batch or '', life of the batch, ...
-- A lease is renewed if its token is held, or is gone but its attempt is still the current one: not
-- if it was given back meanwhile, over another connection, for its delay would be lost.
-- Returns {now (ms), {ids whose lease is lost}, {id to be cancelled, by, ...}, {batches that are
-- mistimed}}
local worker, lease = ARGV[2], tonumber(ARGV[3])
local contact = contact_of(ARGV[4], ARGV[5], lease)
local lost, scores, held, asked, late = {}, {}, {}, {}, {}
local wanted = {}
for i = 8, #ARGV, 5 do
  wanted[#wanted + 1], wanted[#wanted + 2] = P.in_progress .. ARGV[i], P.retry .. ARGV[i]
end
local found = #wanted > 0 and redis.call('MGET', unpack(wanted)) or {}
local until_ = ms(now + lease)
for i = 8, #ARGV, 5 do
  local id, attempt, mine, batch_id, life = unpack(ARGV, i, i + 4)
  local n = (i - 8) / 5
  local token, current = found[2 * n + 1], found[2 * n + 2]
  local batch = batch_id ~= '' and batch_of(batch_id)
  local another = batch and batch.alive and batch.life ~= life
  if not another and (token == mine or not token and current == attempt and not unheld(id)) then
    held[#held + 1] = {id, attempt, mine, batch}
    scores[#scores + 1], scores[#scores + 2] = until_, id
  else
    lost[#lost + 1] = id
  end
end
-- For the messages that were missed: what is held, and is cancelled by itself or with its batch;
-- and for a producer that has died, which sends none.
local marked = #held > 0 and redis.call('EXISTS', KEYS[3]) == 1
for _, job in ipairs(held) do
  local id, batch = job[1], job[4]
  if batch then judge_producer(batch, contact) end
  local by = marked and read('HGET', KEYS[3], id) or batch and batch.by
  if by then asked[#asked + 1], asked[#asked + 2] = id, said(by) end
end
for id, batch in pairs(batches) do
  if batch and batch.alive and mistimed(batch) then late[#late + 1] = id end
end

begin_writing()
for _, job in ipairs(held) do
  redis.call('SET', P.in_progress .. job[1], job[3], 'PX', lease)
  redis.call('SET', P.retry .. job[1], job[2], 'PX', 88400000)
end
in_runs(scores, function(...) write('ZADD', KEYS[1], ...) end)
flush(ARGV[7])
if ARGV[6] == '1' then
  write('ZADD', KEYS[2], ms(now), worker)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ms(now - math.max(10 * lease, 60000)))
  redis.call('PEXPIRE', KEYS[2], 86400000)
end
return {ms(now), lost, asked, late}
