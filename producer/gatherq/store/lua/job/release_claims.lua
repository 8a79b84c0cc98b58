-- Gives claims back to the queue: at a shutdown (the attempt is not charged), for a retry (charged).
-- Include: clock, queue_scores, released_score, values, access, wake, claim_token, events,
--   error_groups, admission, batch, gates
-- KEYS: queue, wake
-- ARGV: channel, events, ...claims
-- claims: for each: id, attempt, token, batch or '', life of the batch, delay (ms), charge (1 or 0),
-- entry for the job's history or '', priority of the job.
-- The score of a released job has a fraction, which tells it from a job whose lease has expired. A job leaves its
-- gate, and passes it again with its next attempt.
-- Returns the number released. A claim that is not the current one, or was released before, is left alone.
local mine, ids, keys = {}, {}, {}
for i = before_claims + 1, #ARGV, 9 do
  keys[#keys + 1], keys[#keys + 2] = prefix.in_progress .. ARGV[i], prefix.retry .. ARGV[i]
end
local held = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
for i = before_claims + 1, #ARGV, 9 do
  local id, attempt, token, batch_id, life, delay, charge, entry, priority = unpack(ARGV, i, i + 8)
  local n = (i - before_claims - 1) / 9
  local batch = batch_id ~= '' and batch_of(batch_id)
  local other_life = batch and batch.alive and batch.life ~= life
  if is_current(id, token, attempt, held[2 * n + 1], held[2 * n + 2]) and not other_life then
    mine[#mine + 1] = {id, attempt, batch, delay, charge, entry, tonumber(priority)}
    ids[#ids + 1] = id
  end
end
if #mine == 0 then return 0 end

begin_writing()
for _, job in ipairs(mine) do
  local id, attempt, batch, delay, charge, entry, priority = unpack(job)
  local anew = charge == '0' and attempt == '1' -- as if it had never been claimed
  redis.call('DEL', prefix.in_progress .. id)
  write('ZADD', queue, released_score(tonumber(delay), priority, anew), id)
  if entry ~= '' then
    write('RPUSH', prefix.attempts .. id, entry)
    redis.call('PEXPIRE', prefix.attempts .. id, HISTORY_TTL)
  end
  if charge == '0' then
    if anew then
      redis.call('DEL', prefix.retry .. id)
      if batch then count(batch, 'running', -1) end
    else
      redis.call('SET', prefix.retry .. id, digits(attempt - 1), 'PX', RETRY_TTL)
    end
  end
end
gate_keeper(ids)
write_batches()
wake_worker()
return #mine
