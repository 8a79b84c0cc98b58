-- Values that may be anything, since anybody may write into Redis.

-- A whole number as text. Lua would write a large one with an exponent.
local function digits(n) return string.format('%.0f', n) end

-- The time or count that a text in Redis stands for; nil for anything else.
local function whole(text)
  local n = tonumber(text)
  if n and n >= 0 and n < 1e15 and n % 1 == 0 then return n end
end

-- Whether Python decodes a text as UTF-8, strictly.
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

-- Somebody's text, cut to 500 bytes and fit for JSON.
local function json_text(text)
  text = string.sub(text, 1, 500)
  return is_utf8(text) and text or string.gsub(text, '[\128-\255]', '?')
end

-- The life of a batch as it stands in its hash: what a claim tells of it comes back as it was told.
local function life_in(raw) return raw and json_text(string.sub(raw, 1, 100)) or '' end
