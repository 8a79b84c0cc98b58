-- Reads and writes that no value in Redis can make fail.
-- Redis does not roll back a script that fails half-way. So a step reads and checks everything before
-- its first write, and writes in ways that no value in Redis can refuse.
-- `prefix.job` and its like, the prefixes of keys, are texts that store/script.py puts in their places.

-- Lifetimes (ms) of what stays for a while only. RETRY_TTL is arq's own.
local RETRY_TTL, HISTORY_TTL = '88400000', '88400000'
local MARKS_TTL, WORKERS_TTL, QUARANTINE_TTL = '86400000', '86400000', '86400000'
local GATE_TTL = '2592000000'

-- Reads; nil where the key is of another type. Any other refusal ends the step.
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(...)
end

-- Deletes nothing. A full server refuses commands that may need memory, unless the step has written
-- before: a step that ends jobs frees more than it takes. No key has the bare prefix as its name.
local function begin_writing() redis.call('DEL', prefix.retry) end

-- Writes into a key of ours, by a command that answers with a number or a text. A value of another type gives way,
-- and so does a stream whose ids are exhausted.
local function write(name, key, ...)
  local reply = redis.pcall(name, key, ...)
  if type(reply) ~= 'table' then return reply end -- else it is a refusal
  if string.find(reply.err, 'WRONGTYPE', 1, true) or string.find(reply.err, 'exhausted', 1, true) then
    redis.call('DEL', key)
  end
  return redis.call(name, key, ...)
end

-- Writes into a key that other programs share; does nothing where it is of another type.
local try = read

-- Asks for a key of the record of what happens, on which nothing depends: nil where Redis refuses it,
-- say because the user may not touch that key. A value of another type gives way.
-- Such a key is never one of KEYS: for those Redis refuses the whole step.
local function note(name, key, ...)
  local reply = redis.pcall(name, key, ...)
  local refusal = type(reply) == 'table' and reply.err
  if not refusal then return reply end
  if string.find(refusal, 'WRONGTYPE', 1, true) or string.find(refusal, 'exhausted', 1, true) then
    redis.pcall('DEL', key)
    reply = redis.pcall(name, key, ...)
    if type(reply) ~= 'table' or not reply.err then return reply end
  end
end

-- Calls with a long list in chunks: Lua passes on some thousand values at the most.
local function in_chunks(values, call)
  for first = 1, #values, 1000 do
    call(unpack(values, first, math.min(first + 999, #values)))
  end
end

local function delete(keys)
  in_chunks(keys, function(...) redis.call('DEL', ...) end)
end

-- Whether an attempt was before the last redrive of its job. Redis counts it, and nobody holds the job by it.
local function is_redriven(id, attempt)
  local base = string.match(read('GETRANGE', prefix.job .. id, -64, -1) or '', ',"base":(%d+)}$')
  return base and tonumber(attempt) <= tonumber(base)
end
