-- Lua calls C calls Lua: by gsub (30 % of the work), sort (30 %), a coroutine that yields (20 %), a metamethod (10 %) and
-- pcall (10 %). Usage: lua_callbacks.lua SECONDS
local Burner = {}
Burner.__index = Burner

local function spin(n)
  local x = n
  for i = 1, n do
    x = (x * 3 + i) % 1000003
  end
  return x
end

function Burner:replaced()
  local text = ("abcdef"):gsub(".", function(character)
    spin(500)
    return character
  end)
  return text
end

function sorted()
  local list = { 6, 5, 4, 3, 2, 1 }
  local compared = 0
  table.sort(list, function(a, b)
    compared = compared + 1
    if compared <= 6 then spin(500) end
    return a < b
  end)
  return list
end

local function nested()
  for _ = 1, 2 do
    spin(1000)
    coroutine.yield(true)
  end
end

local function body()
  nested()
  return false
end

local function resumed()
  local step = coroutine.wrap(body)
  repeat local more = step() until not more
end

Burner.__concat = function(a, b)
  local result = spin(1000)
  return result
end

local burner = setmetatable({}, Burner)
local finish = os.clock() + tonumber(arg[1])
while os.clock() < finish do
  local text = burner:replaced()
  local list = sorted()
  resumed()
  text = burner .. text
  pcall(spin, 1000)
end
