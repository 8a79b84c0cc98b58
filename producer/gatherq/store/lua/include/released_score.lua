-- After: clock, queue_scores.

-- The score of a job that was released, and may be claimed in so many ms; `anew`: as if it had never been claimed.
local function released_score(delay, priority, anew)
  local score = now + delay - (anew and 0.75 or 0.5)
  if priority < 0 then score = score - priority * BAND elseif delay == 0 then score = score - priority * HOUR end
  return string.format('%.2f', score)
end
