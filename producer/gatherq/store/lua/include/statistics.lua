-- Statistics of jobs by name, in all, by minute and by hour: vectors of 44 numbers, as
-- contract/statistics.py says.
-- ARGV: totals, statistics. After: clock, values, access.

-- Adds what became of jobs just now: rows {name, cell, n, cell, n, ...}. Nothing of it can fail.
-- One function, since every step makes what is declared here, and few need it. fakeredis has no cmsgpack.
local function add_statistics(rows)
  local msgpack = rawget(_G, 'cmsgpack')
  if #rows == 0 or not msgpack then return end
  -- Beyond so many names in a hash, a new one is counted as <unknown>.
  local CELLS, MOST_NAMES, UNKNOWN = 44, 500, '<unknown>'

  -- Reads a vector; fails, or returns nil, for junk. One remainder is as dear as many comparisons.
  local function read_vector(raw)
    local vector, sum = msgpack.unpack(raw), 0
    for cell = 1, CELLS do
      local n = vector[cell]
      if not (n >= 0 and n < 1e15) then return nil end
      sum = sum + n
    end
    return sum % 1 == 0 and #vector == CELLS and vector
  end

  -- The vector in a field; one of zeros where there is none, or junk.
  local function vector_of(raw)
    local sound, vector = pcall(read_vector, raw and #raw < 1000 and raw or '')
    if sound and vector then return vector end
    vector = {}
    for cell = 1, CELLS do vector[cell] = 0 end
    return vector
  end

  local function add_to(key, ttl)
    local names, sums, fields = {UNKNOWN}, {}, {}
    for i, row in ipairs(rows) do names[i + 1] = row[1] end
    local found = note('HMGET', key, unpack(names))
    if not found then return end
    local room
    for i, row in ipairs(rows) do
      if not found[i + 1] and room == nil then room = (note('HLEN', key) or 0) < MOST_NAMES end
      local at = (found[i + 1] or room) and i + 1 or 1
      local sum = sums[names[at]] or vector_of(found[at])
      sums[names[at]] = sum
      for j = 2, #row - 1, 2 do
        sum[row[j]] = sum[row[j]] + row[j + 1]
      end
    end
    for name, sum in pairs(sums) do
      fields[#fields + 1], fields[#fields + 2] = name, msgpack.pack(sum)
    end
    note('HSET', key, unpack(fields))
    note('PEXPIRE', key, ttl)
  end

  add_to(totals, '2592000000')
  add_to(statistics .. digits(math.floor(now / 60000)), '90000000')
  add_to(statistics .. 'h' .. digits(math.floor(now / 3600000)), '2592000000')
end
