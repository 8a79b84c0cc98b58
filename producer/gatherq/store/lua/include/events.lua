-- What happened on a queue, the newest 10,000 for a week. ARGV: events. After: access.
-- Notes an event: its name, then field and value any number of times.
local function event(name, ...)
  note('XADD', events, 'MAXLEN', '~', '10000', '*', 'event', name, ...)
  note('PEXPIRE', events, '604800000')
end
