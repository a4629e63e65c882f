-- What gp_record_luajit records of compiled code: tells the stack in which it will run for ever. Frames as workload.lua
-- tells them; line 0: where it is at varies.
local function innermost(list, i)
  list[i % 16 + 1] = i
  local x = list[(i + 7) % 16 + 1]
  list[i % 13 + 1] = x % 1000003
  return x
end

local function inner(list, i)
  local x = innermost(list, i)
  list[1] = x
  return x
end

local list = {}
for i = 1, 16 do list[i] = i end

local function loop(n)
  local x = 0
  for i = 1, n do
    x = x + inner(list, i)
  end
  return x
end

local running = coroutine.create(function()
  local x = loop(1e15)
  return x
end)

local file = debug.getinfo(1, "S").source:sub(2)
print("state", (tostring(running):match("0x(%x+)")))
print("frame", 0, file, "innermost")
print("frame", 11, file, "inner")
print("frame", 22, file, "loop")
print("frame", 28, file, ("function <%s:27>"):format(file))
print("end")
io.stdout:flush()
coroutine.resume(running)
