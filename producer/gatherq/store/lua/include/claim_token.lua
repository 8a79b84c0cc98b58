-- Whose claim of a job is the current one. After: access.

-- Whether no worker holds a job: then its score has a fraction. It was released, or never claimed.
local function is_unheld(id)
  local score = tonumber(read('ZSCORE', queue, id) or '')
  return score ~= nil and score % 1 ~= 0
end

-- Whether a claim is the current one of its job: its token is held, or has expired while its attempt
-- is still the current one. `held` and `current` are what Redis has: the token, the attempt's number.
local function is_current(id, token, attempt, held, current)
  return held == token or not held and current == attempt and not is_unheld(id) and not is_redriven(id, attempt)
end
