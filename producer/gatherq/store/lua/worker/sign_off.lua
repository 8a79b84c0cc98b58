-- Takes a worker off the list of those that live, removes its record, and notes why it ended.
-- Include: clock, values, access, events, statistics, worker_news
-- KEYS: workers
-- ARGV: worker, worker_key, events, totals, statistics, news, ...event
-- news: its last, see include/worker_news.lua; or ''. event: name, and field and value any number of times.
-- Whoever takes it off the list notes the event, so that it is noted once.
-- Returns 1 if it was listed, or else had a record.
add_news(news)
local listed = try('ZREM', workers, worker) == 1
local told = note('DEL', worker_key) == 1
if not listed and not told then return 0 end
local name = ARGV[before_event + 1]
event(name, 'worker', worker, unpack(ARGV, before_event + 2))
return 1
