-- Scores of jobs that no worker holds. After: clock.
-- A score is the time (ms) from which a job may be claimed. Its fraction says what it was before:
--   none: a lease ended there, or arq queued it; a half: it was released, and is begun;
--   any other: nobody has claimed it since it was queued.
-- A priority above 0 shifts it back, an hour a level. Jobs below 0 stand in bands of their own behind
-- all others. Parked jobs stand behind those: they wait in a lane, or at a gate, and not for a time.
local HOUR, BAND, PARKED = 3600000, 1e13, 1e14 + 0.25

local JUST_NOW = time[1] * 1000 + time[2] / 1000 - 1

-- The score of the nth job that a step queues: it may be claimed from `at` (ms) on, else at once and after all
-- that were queued before it. It counts microseconds, and half of one more, so that it is none of the above.
local function queue_score(n, priority, at)
  local score = JUST_NOW + (n + 0.5) / 1000
  local later = at and at > now
  if later then score = at - 1 + (n + 0.5) / 1000 end
  if priority and priority ~= 0 then
    if priority < 0 then score = score - priority * BAND elseif not later then score = score - priority * HOUR end
  end
  return string.format('%.4f', score)
end
