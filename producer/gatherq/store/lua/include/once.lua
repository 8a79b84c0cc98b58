-- Part of the steps that a producer repeats after a lost reply, and that count what they do; after:
-- safe, batch. The last request is remembered in the batch, with what was answered.

-- What was answered to this request before, as a list of numbers; nil if it is new.
local function answered(batch_id, request)
  local last = read('HGET', P.batch .. batch_id, 'answered')
  if not last or #last > 200 or string.sub(last, 1, #request + 1) ~= request .. ' ' then return nil end
  local answer = {}
  for number in string.gmatch(string.sub(last, #request + 2), '%-?%d+') do
    answer[#answer + 1] = tonumber(number)
  end
  return answer
end

local function answer(batch, request, numbers)
  change(batch, 'answered', request .. ' ' .. table.concat(numbers, ' '))
  return numbers
end
