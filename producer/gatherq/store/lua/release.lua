-- Gives attempts back to the queue: for shutdown (not charged) and for a retry (charged).
-- Include: safe, batch
-- KEYS: 1 queue, 2 wake list
-- ARGV: 1 prefixes (JSON), 2 control channel,
--       then eight a job: id, attempt, its token, batch or '', life of the batch, delay (ms),
--       charge (0 or 1), entry for its history or ''
-- The fraction in its score tells a released job from one whose lease has run out.
-- Returns the number released; an attempt that is not the current one, or was given back before, is
-- left alone.
local mine, wanted = {}, {}
for i = 3, #ARGV, 8 do
  wanted[#wanted + 1], wanted[#wanted + 2] = P.in_progress .. ARGV[i], P.retry .. ARGV[i]
end
local found = #wanted > 0 and redis.call('MGET', unpack(wanted)) or {}
for i = 3, #ARGV, 8 do
  local id, attempt, token, batch_id, life, delay, charge, entry = unpack(ARGV, i, i + 7)
  local n = (i - 3) / 8
  local held, current = found[2 * n + 1], found[2 * n + 2]
  local batch = batch_id ~= '' and batch_of(batch_id)
  local another = batch and batch.alive and batch.life ~= life
  local current_one = held == token or not held and current == attempt and not unheld(id)
  if current_one and not another then mine[#mine + 1] = {id, attempt, batch, delay, charge, entry} end
end
if #mine == 0 then return 0 end

begin_writing()
for _, job in ipairs(mine) do
  local id, attempt, batch, delay, charge, entry = unpack(job)
  redis.call('DEL', P.in_progress .. id)
  write('ZADD', KEYS[1], string.format('%.1f', now + delay - 0.5), id)
  if entry ~= '' then
    write('RPUSH', P.attempts .. id, entry)
    redis.call('PEXPIRE', P.attempts .. id, 88400000)
  end
  if charge == '0' then
    if attempt == '1' then
      redis.call('DEL', P.retry .. id)
      if batch then count(batch, 'running', -1) end
    else
      redis.call('SET', P.retry .. id, ms(attempt - 1), 'PX', 88400000)
    end
  end
end
flush(ARGV[2])
wake(KEYS[2])
return #mine
