-- The score of the nth job that a step queues: it may be claimed from now on, after all that were
-- queued before it. The fraction counts microseconds, and half of one more: so it is never a whole ms,
-- which would say that a lease ended there. After: clock.
local function queue_score(n)
  return string.format('%.4f', time[1] * 1000 + (time[2] + n + 0.5) / 1000 - 1)
end
