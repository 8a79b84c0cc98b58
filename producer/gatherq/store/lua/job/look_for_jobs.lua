-- Looks whether a claim may find jobs: a claim that finds none takes several times as long. A worker that nobody wakes
-- looks again and again, which is its sign of life.
-- Include: clock, queue_scores, values, access, sign_of_life
-- KEYS: queue, workers
-- ARGV: worker
-- Returns {now (ms), ms until a claim may find jobs: 0 for now, -1 for never as things are}.
-- Jobs of priorities below 0 stand in bands of their own, and parked ones behind these: they are left to the claim.
local first = read('ZRANGEBYSCORE', queue, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local score, left = first and tonumber(first[2] or ''), -1
if score then
  left = math.max(math.ceil(score - now), 0)
  if read('ZCOUNT', queue, BAND, '+inf') > 0 then left = 0 end
end
sign_of_life()
return {digits(now), math.min(left, 2147483647)}
