-- For steps that a producer repeats after a lost reply, and that count what they do. A batch remembers
-- the last request with its answer. After: access, batch.

-- The answer to the same request before, as a list of numbers; nil for a new request.
local function answer_before(batch_id, request)
  local last = read('HGET', prefix.batch .. batch_id, 'answered')
  if not last or string.sub(last, 1, #request + 1) ~= request .. ' ' then return nil end
  local numbers = {}
  for number in string.gmatch(string.sub(last, #request + 2), '%-?%d+') do
    numbers[#numbers + 1] = tonumber(number)
  end
  return numbers
end

local function remember_answer(batch, request, numbers)
  change(batch, 'answered', request .. ' ' .. table.concat(numbers, ' '))
  return numbers
end
