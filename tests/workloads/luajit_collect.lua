-- Makes garbage, in the interpreter and in compiled code. Usage: luajit_collect.lua SECONDS
local function tables(n)
  local list
  for i = 1, n do
    list = { { i }, { i + 1 }, list }
    if i % 1000 == 0 then list = nil end
  end
end
local finish = os.clock() + tonumber(arg[1])
while os.clock() < finish do
  tables(20000)
end
