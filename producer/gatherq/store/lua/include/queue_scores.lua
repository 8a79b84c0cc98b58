-- Scores of jobs that no worker holds. After: clock.
-- A score is the time (ms) from which a job may be claimed. Its fraction says what it was before:
--   none: a lease ended there, or arq queued it; a half: it was released, and is begun;
--   any other: nobody has claimed it since it was queued.
-- A priority above 0 shifts it back, an hour a level. Jobs below 0 stand in bands of their own behind
-- all others. Parked jobs stand behind those: they wait in a lane, or at a gate, and not for a time.
local HOUR, BAND, PARKED = 3600000, 1e13, 1e14 + 0.25

-- Whether a score is one of ours or arq's: anybody can give a member any, infinity too.
local function is_time(score) return score and score >= 0 and score <= PARKED end

-- The time (ms) that a text in Redis stands for; 0 for anything else.
local function time_in(raw)
  local at = raw and tonumber(raw)
  return is_time(at) and at or 0
end

-- A priority as a batch's hash has it.
local function priority_in(raw) return raw and string.match(raw, '^-?%d$') and tonumber(raw) or 0 end

-- So far behind as the bands are, a number holds no microseconds: there it counts in parts of a ms that it does hold.
local JUST_NOW, PARTS = time[1] * 1000 + time[2] / 1000 - 1, 32

-- The score of the nth job that a step queues: it may be claimed from `at` (ms) on, else at once and after all
-- that were queued before it. It counts microseconds, and half of one more, so that it is none of the above.
local function queue_score(n, priority, at)
  local later = at and at > now
  local from = later and at - 1 or JUST_NOW
  local score = from + (n + 0.5) / 1000
  if priority and priority < 0 then
    score = (math.floor(from * PARTS) + n + 0.5) / PARTS - priority * BAND
  elseif priority and not later then
    score = score - priority * HOUR
  end
  return string.format('%.6f', score)
end
