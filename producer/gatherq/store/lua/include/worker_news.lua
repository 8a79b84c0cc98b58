-- What a worker has to tell: events, and what became of jobs. It is told once, whatever replies are lost.
-- ARGV: worker, worker_key. After: access, events, statistics.
local RECORD_TTL = '60000'

-- Takes news, as JSON: {seq = their number, jobs = rows for `add_statistics`, events = {{name, field, value,
-- ...}, ...}}. The record of the worker says which were taken last: those are not taken again. Where it says
-- nothing, because it is gone or withheld, nobody could tell, and they are dropped.
local function add_news(news)
  local sound, told = pcall(cjson.decode, news)
  if not sound then return end
  local last = note('HGET', worker_key, 'seq')
  if not last or last == told.seq or not note('HSET', worker_key, 'seq', told.seq) then return end
  for _, each in ipairs(told.events) do event(each[1], 'worker', worker, unpack(each, 2)) end
  add_statistics(told.jobs)
end
