-- Gives claims back to the queue: at a shutdown (the attempt is not charged), for a retry (charged).
-- Include: clock, values, access, wake, claim_token, events, error_groups, batch
-- KEYS: queue, wake
-- ARGV: channel, events, ...claims
-- claims: for each: id, attempt, token, batch or '', life of the batch, delay (ms), charge (1 or 0),
-- entry for the job's history or ''.
-- The score of a released job has a fraction, which tells it from a job whose lease has expired.
-- Returns the number released. A claim that is not the current one, or was released before, is left alone.
local mine, keys = {}, {}
for i = before_claims + 1, #ARGV, 8 do
  keys[#keys + 1], keys[#keys + 2] = prefix.in_progress .. ARGV[i], prefix.retry .. ARGV[i]
end
local held = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
for i = before_claims + 1, #ARGV, 8 do
  local id, attempt, token, batch_id, life, delay, charge, entry = unpack(ARGV, i, i + 7)
  local n = (i - before_claims - 1) / 8
  local batch = batch_id ~= '' and batch_of(batch_id)
  local other_life = batch and batch.alive and batch.life ~= life
  if is_current(id, token, attempt, held[2 * n + 1], held[2 * n + 2]) and not other_life then
    mine[#mine + 1] = {id, attempt, batch, delay, charge, entry}
  end
end
if #mine == 0 then return 0 end

begin_writing()
for _, job in ipairs(mine) do
  local id, attempt, batch, delay, charge, entry = unpack(job)
  redis.call('DEL', prefix.in_progress .. id)
  write('ZADD', queue, string.format('%.1f', now + delay - 0.5), id)
  if entry ~= '' then
    write('RPUSH', prefix.attempts .. id, entry)
    redis.call('PEXPIRE', prefix.attempts .. id, HISTORY_TTL)
  end
  if charge == '0' then
    if attempt == '1' then
      redis.call('DEL', prefix.retry .. id)
      if batch then count(batch, 'running', -1) end
    else
      redis.call('SET', prefix.retry .. id, digits(attempt - 1), 'PX', RETRY_TTL)
    end
  end
end
write_batches()
wake_worker()
return #mine
