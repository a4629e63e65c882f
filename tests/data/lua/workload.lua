-- What gp_record_lua records: tells the stacks it stands in, then waits to be read. Coroutines and their frames,
-- innermost first: "state TAB its address"; "frame TAB line TAB file TAB name", line 0: a function of C.
-- The main coroutine is not told: 5.1 does not say where it is.

local version = tonumber(_VERSION:match("%d%.%d"))
local coroutines = {} -- those that run, the outermost first

local function name_of(info)
  if info.what == "main" then return "main chunk" end
  local name = info.name
  if name == "?" or info.namewhat == "hook" then name = nil end
  if name and info.namewhat == "metamethod" and not name:find("^__") then name = "__" .. name end
  if name == "(for generator)" then name = "for iterator" end
  if not name and version == 5.1 and info.func == event_handler then name = "__add" end -- 5.1 does not know
  if not name and info.what == "Lua" then
    return ("function <%s:%d>"):format(info.source:sub(2), info.linedefined)
  end
  return name
end

local function tell()
  print("frame", 0, "", "read")
  for i = #coroutines, 1, -1 do
    local co, level = coroutines[i], i == #coroutines and 2 or 0
    print("state", (tostring(co):match("0x(%x+)")))
    while true do
      local info = debug.getinfo(co, level, "Slnf")
      if not info then break end
      local name = info.what ~= "tail" and name_of(info)
      if name and info.what == "C" then
        print("frame", 0, "", name)
      elseif name then
        print("frame", info.currentline, info.source:sub(2), name)
      end
      level = level + 1
    end
  end
  print("end")
  io.stdout:flush()
end

local function run(body)
  return coroutine.create(function(...)
    coroutines[#coroutines + 1] = coroutine.running()
    body(...)
  end)
end

local function wait() tell() io.read() end

local Object = {}
Object.__index = Object
function event_handler(a, b)
  wait()
  return a
end
Object.__add = event_handler

function Object:method(depth)
  local sum = self + depth
  return sum
end

Object["größe"] = function(self)
  self:method(3)
end

function global(object)
  object["größe"](object)
end

local function recursive(n, object)
  if n > 0 then
    local result = recursive(n - 1, object)
    return result
  end
  local list = { 2, 1 }
  table.sort(list, function(a, b)
    global(object)
    return a < b
  end)
end

local function iterator(object, i)
  if i then return nil end
  recursive(3, object)
end

local inner = run(function(object)
  for _ in iterator, object do end
end)

local function tail(object)
  assert(coroutine.resume(inner, object))
  return true
end
local function tail_called(object) return tail(object) end

local outer = run(function()
  local function nested()
    coroutine.yield() -- what is below goes on without its C frames
    ;("x"):gsub("x", function(condition)
      local callback = condition and tail_called or tail
      callback(setmetatable({}, Object))
    end)
  end
  nested()
end)
assert(coroutine.resume(outer))
assert(coroutine.resume(outer))
