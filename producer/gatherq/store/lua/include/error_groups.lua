-- Groups of unsuccessful outcomes of a batch, by signature: how many slots have it now, the first slot, a
-- text. `groups` lists the signatures in the order in which they came; the hash never loses one. A batch
-- keeps 200 groups; slots of any further one are counted under `other`.
-- These functions close over as little as can be: every step makes them, most need none. After: access.

-- Adds to how many slots have a group, for `write_groups`; nothing where there is no signature. `slot` and
-- `text` are used if it is a new one.
local function add_to_group(batch, sig, n, slot, text)
  if not sig or sig == '' then return end
  if not batch.groups then batch.groups, batch.first_of = {}, {} end
  local groups = batch.groups
  if not groups[sig] then batch.first_of[sig] = {slot, text} end
  groups[sig] = (groups[sig] or 0) + n
end

-- Writes what `add_to_group` noted, {sig: n} and {sig: {slot, text}}, into a key that is to expire at a
-- time. One read and one write, however many groups there are.
local function write_groups(groups, first_of, key, expires)
  local sigs, fields, other = {}, {}, 0
  for sig in pairs(groups) do sigs[#sigs + 1] = sig end
  local found = note('HMGET', key, 'groups', 'other', unpack(sigs))
  if not found then return end
  local function number(text)
    return string.match(text or '', '^%d+$') and tonumber(string.sub(text, 1, 15)) or 0
  end
  local function set(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  local listed = string.match(string.sub(found[1] or '', 1, 1799), '^[%x ]*')
  local many = math.floor((#listed + 1) / 9)
  for i, sig in ipairs(sigs) do
    local n, known = groups[sig], found[i + 2]
    if not known and n > 0 and many < 200 then
      known, many, listed = '0', many + 1, listed == '' and sig or listed .. ' ' .. sig
    end
    local before = number(known)
    if not known then
      other = other + n
    else
      set(sig, string.format('%.0f', math.max(before + n, 0)))
      if before == 0 and n > 0 then
        set(sig .. ':slot', first_of[sig][1])
        set(sig .. ':text', first_of[sig][2])
      end
    end
  end
  if other ~= 0 then set('other', string.format('%.0f', math.max(number(found[2]) + other, 0))) end
  note('HSET', key, 'groups', listed, unpack(fields))
  note('PEXPIREAT', key, expires)
end
