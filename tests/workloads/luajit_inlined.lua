-- A loop that LuaJIT compiles together with the functions it calls. Usage: luajit_inlined.lua SECONDS
local function innermost(t, i)
  t[i % 16 + 1] = i
  local x = t[(i + 7) % 16 + 1]
  t[i % 13 + 1] = x % 1000003
  return x
end
local function inner(t, i)
  local a = innermost(t, i)
  t[1] = a
  return a
end
local t = {}
for i = 1, 16 do t[i] = i end
local function loop(n)
  local x = 0
  for i = 1, n do
    x = x + inner(t, i)
  end
  return x
end
local finish = os.clock() + tonumber(arg[1])
while os.clock() < finish do
  loop(100000)
end
