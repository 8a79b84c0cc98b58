-- What happened on a queue, the newest 10,000 for a week. ARGV: events. After: access.
local MOST_EVENTS, EVENTS_TTL = '10000', '604800000'

-- Notes an event: its name, then field and value any number of times.
local function event(name, ...)
  note('XADD', events, 'MAXLEN', '~', MOST_EVENTS, '*', 'event', name, ...)
  note('PEXPIRE', events, EVENTS_TTL)
end
