-- Two functions that LuaJIT compiles, with 30 % and 70 % of the work, called from one that it compiles as well, and one that
-- collects garbage. Usage: luajit_compiled.lua SECONDS
local function spin(n)
  local x = 1
  for i = 1, n do
    x = (x * 3 + i) % 1000003
  end
  return x
end

local function light()
  local x = 0
  for i = 1, 3 do
    x = x + spin(10000)
  end
  return x
end

local function heavy()
  local x = 0
  for i = 1, 7 do
    x = x + spin(10000)
  end
  return x
end

local finish = os.clock() + tonumber(arg[1])
while os.clock() < finish do
  for i = 1, 100 do
    light()
    heavy()
  end
end
