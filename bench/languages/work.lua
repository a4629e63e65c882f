-- As work.py.
local Worker = {}
Worker.__index = Worker

function Worker:unit(depth)
  if depth > 0 then
    local deeper = self:unit(depth - 1)
    return deeper + 1
  end
  local words = self:count_words()
  return words + self:sum_numbers()
end

function Worker:count_words()
  local counts, sorted = {}, {}
  for i = 0, 299 do
    local word = tostring(i * 7919 % 100)
    counts[word] = (counts[word] or 0) + 1
  end
  for word in pairs(counts) do sorted[#sorted + 1] = word end
  table.sort(sorted)
  return #sorted
end

function Worker:sum_numbers()
  local total = 0
  for i = 0, 3999 do total = total + i * i % 7 end
  return total
end

local worker = setmetatable({}, Worker)
io.stdout:setvbuf("no")
print("ready")
for line in io.lines() do
  for _ = 1, tonumber(line) do worker:unit(20) end
  print("done")
end
