-- Lets claims begin, as far as the gates of their jobs are open; parks the others, and those that this worker has
-- no place for.
-- Include: clock, queue_scores, values, access, wake, claim_token, events, error_groups,
--   admission, batch, gates
-- KEYS: queue, wake
-- ARGV: channel, events, ...claims
-- claims: for each: id, attempt, token, batch or '', life of the batch, its score when it was claimed, name of the
-- lane that it is to wait in or '', name of its gate or '', at most how many may be inside of that or '', interval
-- between two starts (µs) or ''.
-- A parked job is uncharged, and as if it had never been claimed. In its lane it is taken by whoever has a place; at
-- its gate it is called, and then stands in the queue.
-- Returns for each claim 1 if it may begin, and 0 if it is parked, or not the current claim any more.
local STEP = 10
local keys, replies, keeper, lanes = {}, {}, nil, {}
for i = before_claims + 1, #ARGV, STEP do
  keys[#keys + 1], keys[#keys + 2] = prefix.in_progress .. ARGV[i], prefix.retry .. ARGV[i]
end
local held = redis.call('MGET', unpack(keys))

-- Takes a claim back.
local function unclaim(id, attempt, batch, score)
  redis.call('DEL', prefix.in_progress .. id)
  if attempt == '1' then
    redis.call('DEL', prefix.retry .. id)
  else
    redis.call('SET', prefix.retry .. id, digits(attempt - 1), 'PX', RETRY_TTL)
  end
  write('ZADD', queue, score, id)
  if batch then count(batch, 'running', -1) end
end

local function park(id, attempt, batch)
  unclaim(id, attempt, batch, string.format('%.2f', PARKED))
  if batch then count(batch, 'parked', 1) end
end

-- In which order a job waits: as in the queue; but of a batch each a minute behind the one before, so that others need
-- not wait for all of it. So it gives way to what comes later for no longer than that.
local GIVES_WAY = 60000
local function order_of(batch, score)
  if not batch then return score end
  if not batch.last_parked then
    batch.last_parked = whole(read('HGET', prefix.batch .. batch.id, 'last_parked') or '') or 0
  end
  local order = math.max(tonumber(score), batch.last_parked + GIVES_WAY)
  change(batch, 'last_parked', math.floor(order))
  return string.format('%.4f', order)
end

begin_writing()
for i = before_claims + 1, #ARGV, STEP do
  local n = (i - before_claims - 1) / STEP
  local id, attempt, token, batch_id, life, score, lane, gate, most, interval = unpack(ARGV, i, i + STEP - 1)
  local batch = batch_id ~= '' and batch_of(batch_id)
  batch = batch and batch.alive and batch
  local current = is_current(id, token, attempt, held[2 * n + 1], held[2 * n + 2])
  replies[n + 1] = 0
  if current and not (batch and batch.life ~= life) then
    if lane ~= '' then
      write('ZADD', prefix.lane .. queue .. ':' .. lane, order_of(batch, score), id)
      lanes[lane] = true
      park(id, attempt, batch)
    else
      keeper = keeper or gate_keeper()
      local verdict = keeper.enter(id, gate, whole(most), whole(interval), function() return order_of(batch, score) end)
      if verdict == 'enter' then
        replies[n + 1] = 1
      elseif verdict == 'park' then
        park(id, attempt, batch)
        keeper.look(gate)
      else
        unclaim(id, attempt, batch, queue_score(n, 0, verdict + 1))
      end
    end
  end
end
for lane in pairs(lanes) do
  write('SADD', prefix.lanes .. queue, lane)
  redis.call('PEXPIRE', prefix.lanes .. queue, GATE_TTL)
  redis.call('PEXPIRE', prefix.lane .. queue .. ':' .. lane, GATE_TTL)
  wake_worker(prefix.lane_wake .. queue .. ':' .. lane)
end
write_batches(1, 20)
return replies
