-- Renews the leases of a worker's claims, signs the worker as alive, and takes what it tells of itself.
-- Include: clock, queue_scores, values, access, wake, claim_token, events, error_groups,
--   admission, batch, statistics, worker_news
-- KEYS: queue, workers, cancel_marks, wake
-- ARGV: worker, lease, contact_since, contact_last, is_alive, channel, events, totals, statistics,
--       worker_key, news, fields, ...claims
-- lease: in ms. contact_since, contact_last: since and until when the worker was in contact with Redis
-- (ms). is_alive: whether it claims jobs, and is to be listed as alive (1 or 0).
-- news: what it has to tell once, see include/worker_news.lua; or ''. fields: how many fields of its record
-- stand before the claims, each with its value; 0 leaves the record alone.
-- claims: for each: id, attempt, token, batch or '', life of the batch.
-- A lease is renewed where the claim is the current one. It is not where the job was released meanwhile
-- over another connection, for then its delay would be lost.
-- Returns {now (ms), {ids whose lease is lost}, {id to be cancelled, by whom, ...}, {batches that
-- extend.lua is to be run for}, {batches that sweep.lua is to be run for}}.
-- A silent worker stays listed for ten leases, and at least for so many ms.
local LEAST_LISTED = 60000

lease, fields = tonumber(lease), 2 * tonumber(fields)
local first = before_claims + fields + 1
local contact = contact_of(contact_since, contact_last, lease)
local lost, scores, mine, cancel, extend = {}, {}, {}, {}, {}
local keys = {}
for i = first, #ARGV, 5 do
  keys[#keys + 1], keys[#keys + 2] = prefix.in_progress .. ARGV[i], prefix.retry .. ARGV[i]
end
local held = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
local until_ = digits(now + lease)
for i = first, #ARGV, 5 do
  local id, attempt, token, batch_id, life = unpack(ARGV, i, i + 4)
  local n = (i - first) / 5
  local batch = batch_id ~= '' and batch_of(batch_id)
  local other_life = batch and batch.alive and batch.life ~= life
  if not other_life and is_current(id, token, attempt, held[2 * n + 1], held[2 * n + 2]) then
    mine[#mine + 1] = {id, attempt, token, batch}
    scores[#scores + 1], scores[#scores + 2] = until_, id
  else
    lost[#lost + 1] = id
  end
end
-- Cancellations whose message was missed: of a job, or of its batch. The death of a producer sends none.
local any_marks = #mine > 0 and redis.call('EXISTS', cancel_marks) == 1
for _, job in ipairs(mine) do
  local id, batch = job[1], job[4]
  if batch then check_producer(batch, contact) end
  local by = any_marks and read('HGET', cancel_marks, id) or batch and batch.by
  if by then cancel[#cancel + 1], cancel[#cancel + 2] = id, json_text(by) end
end
for id, batch in pairs(batches) do
  if batch and batch.alive and must_extend(batch) then extend[#extend + 1] = id end
end

begin_writing()
for _, job in ipairs(mine) do
  redis.call('SET', prefix.in_progress .. job[1], job[3], 'PX', lease)
  redis.call('SET', prefix.retry .. job[1], job[2], 'PX', RETRY_TTL)
end
in_chunks(scores, function(...) write('ZADD', queue, ...) end)
local _, to_sweep = write_batches()
if is_alive == '1' then
  write('ZADD', workers, digits(now), worker)
  redis.call('ZREMRANGEBYSCORE', workers, '-inf', digits(now - math.max(10 * lease, LEAST_LISTED)))
  redis.call('PEXPIRE', workers, WORKERS_TTL)
end
add_news(news)
if fields > 0 then
  local new = note('HSET', worker_key, 'seen', digits(now), unpack(ARGV, before_claims + 1, first - 1))
  if new ~= 0 then note('PEXPIRE', worker_key, RECORD_TTL) end -- else announce_worker.lua does
end
return {digits(now), lost, cancel, extend, to_sweep}
