#include "runtimes/lua/offsets.h"

namespace gp::runtimes::lua {
namespace {

constexpr uint8_t kNone = 255;
constexpr gp_lua_place kNowhere = {.offset = 0, .reg = GP_LUA_NOWHERE, .in_memory = 0, .reserved = 0};

// lstate.h, lobject.h and lopcodes.h of 5.1.5.
constexpr gp_lua kLua51 = {
    .unroll = {},
    .state = kNowhere,
    .pc = kNowhere,
    .at = kNowhere,
    .version = GP_LUA_51,
    .fresh = 0,
    .reentry = 0,
    .lua = 0,
    .c = 0,
    .tail = 0xffff,  // how many
    .hooked = 0,
    .finalizer = 0,
    .state_ci = 40,
    .call_bytes = 40,
    .call_function = 8,
    .call_pc = 24,
    .call_status = 36,
    .closure_code = 32,
    .proto_bytes = 120,
    .proto_constants = 16,
    .proto_code = 24,
    .proto_code_size = 80,
    .proto_upvalues = 56,
    .proto_upvalues_size = 72,
    .upvalue_bytes = 8,
    .proto_lines = 40,
    .proto_lines_size = 84,
    .proto_places = 0,
    .proto_places_size = 0,
    .proto_locals = 48,
    .proto_locals_size = 92,
    .proto_source = 64,
    .proto_first_line = 96,
    .op = {.move = 0,
           .get_upvalue = 4,
           .get_global = 5,
           .get_in_upvalue = kNone,
           .get_table = 6,
           .get_field = kNone,
           .self = 11,
           .load_nil = 3,
           .jump = 22,
           .call = 28,
           .tail_call = 29,
           .for_call = 33,
           .closure = 36},
};

// The same of 5.2.4.
constexpr gp_lua kLua52 = {
    .unroll = {},
    .state = kNowhere,
    .pc = kNowhere,
    .at = kNowhere,
    .version = GP_LUA_52,
    .fresh = 0,
    .reentry = 0x4,
    .lua = 0x1,
    .c = 0,
    .tail = 0x40,
    .hooked = 0x2,
    .finalizer = 0,
    .state_ci = 32,
    .call_bytes = 80,
    .call_function = 0,
    .call_pc = 56,
    .call_status = 34,
    .closure_code = 24,
    .proto_bytes = 128,
    .proto_constants = 16,
    .proto_code = 24,
    .proto_code_size = 88,
    .proto_upvalues = 56,
    .proto_upvalues_size = 80,
    .upvalue_bytes = 16,
    .proto_lines = 40,
    .proto_lines_size = 92,
    .proto_places = 0,
    .proto_places_size = 0,
    .proto_locals = 48,
    .proto_locals_size = 100,
    .proto_source = 72,
    .proto_first_line = 104,
    .op = {.move = 0,
           .get_upvalue = 5,
           .get_global = kNone,
           .get_in_upvalue = 6,
           .get_table = 7,
           .get_field = kNone,
           .self = 12,
           .load_nil = 4,
           .jump = 23,
           .call = 29,
           .tail_call = 30,
           .for_call = 34,
           .closure = 37},
};

// The same of 5.3.3 and 5.3.6. Before 5.3.3 the mark of a call from C has the opposite meaning (CIST_REENTRY).
constexpr gp_lua kLua53 = {
    .unroll = {},
    .state = kNowhere,
    .pc = kNowhere,
    .at = kNowhere,
    .version = GP_LUA_53,
    .fresh = 0x8,
    .reentry = 0,
    .lua = 0x2,
    .c = 0,
    .tail = 0x20,
    .hooked = 0x4,
    .finalizer = 0x100,  // 5.3.6; 5.3.3 has none
    .state_ci = 32,
    .call_bytes = 72,
    .call_function = 0,
    .call_pc = 40,
    .call_status = 66,
    .closure_code = 24,
    .proto_bytes = 120,
    .proto_constants = 48,
    .proto_code = 56,
    .proto_code_size = 24,
    .proto_upvalues = 88,
    .proto_upvalues_size = 16,
    .upvalue_bytes = 16,
    .proto_lines = 72,
    .proto_lines_size = 28,
    .proto_places = 0,
    .proto_places_size = 0,
    .proto_locals = 80,
    .proto_locals_size = 36,
    .proto_source = 104,
    .proto_first_line = 40,
    .op = {.move = 0,
           .get_upvalue = 5,
           .get_global = kNone,
           .get_in_upvalue = 6,
           .get_table = 7,
           .get_field = kNone,
           .self = 12,
           .load_nil = 4,
           .jump = 30,
           .call = 36,
           .tail_call = 37,
           .for_call = 41,
           .closure = 44},
};

// The same of 5.4.2, 5.4.4, 5.4.7 and 5.4.8.
constexpr gp_lua kLua54 = {
    .unroll = {},
    .state = kNowhere,
    .pc = kNowhere,
    .at = kNowhere,
    .version = GP_LUA_54,
    .fresh = 0x4,
    .reentry = 0,
    .lua = 0,
    .c = 0x2,
    .tail = 0x20,
    .hooked = 0x8,
    .finalizer = 0x80,
    .state_ci = 32,
    .call_bytes = 64,
    .call_function = 0,
    .call_pc = 32,
    .call_status = 62,
    .closure_code = 24,
    .proto_bytes = 128,
    .proto_constants = 56,
    .proto_code = 64,
    .proto_code_size = 24,
    .proto_upvalues = 80,
    .proto_upvalues_size = 16,
    .upvalue_bytes = 16,
    .proto_lines = 88,
    .proto_lines_size = 28,
    .proto_places = 96,
    .proto_places_size = 40,
    .proto_locals = 104,
    .proto_locals_size = 36,
    .proto_source = 112,
    .proto_first_line = 44,
    .op = {.move = 0,
           .get_upvalue = 9,
           .get_global = kNone,
           .get_in_upvalue = 11,
           .get_table = 12,
           .get_field = 14,
           .self = 20,
           .load_nil = 8,
           .jump = 56,
           .call = 68,
           .tail_call = 69,
           .for_call = 76,
           .closure = 79},
};

// The same of 5.5.0 and 5.5.1, which differ from 5.4 in the marks of calls; also, long strings lie elsewhere.
constexpr gp_lua kLua55 = [] {
  gp_lua lua = kLua54;
  lua.version = GP_LUA_55;
  lua.fresh = 1U << 16U;
  lua.c = 1U << 15U;
  lua.tail = 1U << 22U;
  lua.hooked = 1U << 20U;
  lua.finalizer = 1U << 24U;
  lua.call_status = 60;
  return lua;
}();

}  // namespace

std::optional<gp_lua> offsets_of(uint32_t version) {
  switch (version) {
    case GP_LUA_51: return kLua51;
    case GP_LUA_52: return kLua52;
    case GP_LUA_53: return kLua53;
    case GP_LUA_54: return kLua54;
    case GP_LUA_55: return kLua55;
    default: return std::nullopt;
  }
}

}  // namespace gp::runtimes::lua
