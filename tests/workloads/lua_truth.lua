-- Samples itself: every 1,000 instructions a hook adds the CPU time since it last ran to all functions that are on the
-- stack, and writes down how much each has, in microseconds, into the file "truth". Usage: lua_truth.lua SECONDS
local function spin(n)
  local x = 1
  for i = 1, n do
    x = (x * 3 + i) % 1000003
  end
  return x
end

local function alpha()
  for n = 1, 3 do
    local x = spin(4000 * n)
  end
end

local function beta()
  local list = {}
  for i = 1, 20 do list[i] = 21 - i end
  table.sort(list, function(a, b)
    local x = spin(600)
    return a < b
  end)
end

local function gamma()
  local text = ("a-b-"):rep(10):gsub("%a", function(character)
    local x = spin(800)
    return character
  end)
end

local function delta()
  local generate = coroutine.wrap(function()
    debug.sethook(_G.sample, "", 1000)
    for i = 1, 10 do
      local x = spin(2000)
      coroutine.yield(x)
    end
  end)
  for i = 1, 10 do
    local x = generate()
  end
end

local name_of = { [spin] = "spin", [alpha] = "alpha", [beta] = "beta", [gamma] = "gamma", [delta] = "delta" }
local times = { spin = 0, alpha = 0, beta = 0, gamma = 0, delta = 0 }
local total = 0
local last = os.clock()
local in_delta = false

function sample()
  local now = os.clock()
  local passed = now - last
  local seen = {}
  local level = 2
  if in_delta then seen.delta = true end -- not on the coroutine's own stack
  while true do
    local info = debug.getinfo(level, "f")
    if not info then break end
    local name = name_of[info.func]
    if name then seen[name] = true end
    level = level + 1
  end
  for name in pairs(seen) do times[name] = times[name] + passed end
  total = total + passed
  last = now
end

local finish = os.clock() + tonumber(arg[1])
local written = 0
debug.sethook(sample, "", 1000)
while os.clock() < finish do
  alpha()
  beta()
  gamma()
  in_delta = true
  delta()
  in_delta = false
  if os.clock() - written > 0.2 then
    written = os.clock()
    local file = io.open("truth", "w")
    for name, time in pairs(times) do
      file:write(name, " ", math.floor(time * 1e6), " ", math.floor(total * 1e6), "\n")
    end
    file:close()
  end
end
