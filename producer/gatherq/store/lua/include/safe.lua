-- Part of the steps: the clock, values that may be anything, and writes that cannot fail.
-- A script that fails half-way is not rolled back. So a step reads and checks all before its first
-- write, and writes in a way that no value in Redis can refuse.
local P = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function ms(n) return string.format('%.0f', n) end

-- What a read brings; nil where something of another type stands. Any other refusal ends the step.
local function read(...)
  local found = redis.pcall(...)
  if type(found) ~= 'table' or not found.err then return found end
  if string.find(found.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(...)
end

-- A time or a count that stands in Redis as text; nil for anything else.
local function whole(text)
  local n = type(text) == 'string' and #text < 20 and tonumber(text)
  if n and n >= 0 and n < 1e15 and n % 1 == 0 then return n end
end

-- A server that is full refuses what may need memory, unless the step has written before: what ends
-- jobs frees more than it takes. Nothing stands under the bare prefix.
local function begin_writing() redis.call('DEL', P.retry) end

-- Writes into a key of ours. What stands there as another type, or as a stream that has come to its
-- last id, gives way.
local function write(name, key, ...)
  local done = redis.pcall(name, key, ...)
  if type(done) ~= 'table' or not done.err then return done end
  if string.find(done.err, 'WRONGTYPE', 1, true) or string.find(done.err, 'exhausted', 1, true) then
    redis.call('DEL', key)
  end
  return redis.call(name, key, ...)
end

-- A write to a key that others share: where it is of another type, nothing of ours stands there.
local try = read

-- Hands a list over in runs: Lua passes on some thousand values at the most.
local function in_runs(values, call)
  for first = 1, #values, 1000 do
    call(unpack(values, first, math.min(first + 999, #values)))
  end
end

local function delete(keys)
  in_runs(keys, function(...) redis.call('DEL', ...) end)
end

local function wake(key)
  if read('LLEN', key) ~= 0 and redis.call('TYPE', key).ok == 'list' then return end
  write('RPUSH', key, '1')
  redis.call('PEXPIRE', key, 60000)
end

-- Strictly as Python decodes it.
local function is_utf8(s)
  if not string.find(s, '[\128-\255]') then return true end
  local i, len = 1, #s
  while i <= len do
    local b, c = string.byte(s, i, i + 1)
    local more = b < 128 and 0 or b >= 194 and b < 224 and 1 or b >= 224 and b < 240 and 2
      or b >= 240 and b < 245 and 3
    if not more then return false end
    if more > 1 then
      local least = b == 224 and 160 or b == 240 and 144 or 128
      local most = b == 237 and 159 or b == 244 and 143 or 191
      if not c or c < least or c > most then return false end
    end
    for j = i + 1, i + more do
      c = string.byte(s, j)
      if not c or c < 128 or c > 191 then return false end
    end
    i = i + more + 1
  end
  return true
end

-- A text of somebody's, short and fit for JSON.
local function said(text)
  text = string.sub(text, 1, 500)
  return is_utf8(text) and text or string.gsub(text, '[\128-\255]', '?')
end

-- Whether nobody holds a job, as the fraction of its score says: it was given back, or never taken.
local function unheld(id)
  local score = tonumber(read('ZSCORE', KEYS[1], id) or '')
  return score ~= nil and score % 1 ~= 0
end
