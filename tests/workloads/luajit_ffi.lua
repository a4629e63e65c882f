-- C that Lua calls by its foreign function interface calls back. Usage: luajit_ffi.lua SECONDS
local ffi = require("ffi")
ffi.cdef[[ void qsort(void *base, size_t n, size_t s, int (*cmp)(const void *, const void *)); ]]
local function spin(n)
  local x = n
  for i = 1, n do x = (x * 3 + i) % 1000003 end
  return x
end
local function compare(a, b)
  local x = spin(300)
  local p, q = ffi.cast("const int *", a)[0], ffi.cast("const int *", b)[0]
  return p - q
end
local callback = ffi.cast("int (*)(const void *, const void *)", compare)
local list = ffi.new("int[64]")
local function sorter()
  for i = 0, 63 do list[i] = (i * 37) % 64 end
  ffi.C.qsort(list, 64, 4, callback)
end
local finish = os.clock() + tonumber(arg[1])
while os.clock() < finish do sorter() end
