#include "runtimes/lua/luajit_offsets.h"

namespace gp::runtimes::lua {

namespace {

// What both layouts have alike. lj_bc.h: instructions whose operand A is BCMdst, and BCMbase.
gp_luajit alike() {
  gp_luajit lj{};
  lj.set_ops[0] = 0x0f782ffffffc3000;
  lj.base_ops[0] = 0x8000100000000000;
  lj.base_ops[1] = 0x1fe3fe;
  return lj;
}

}  // namespace

// Compared with the compiler's view of v2.1 of March 2022, January and October 2025 (LuaJIT/LuaJIT 43ebb949, a4f56a45,
// 8518c0b4), whose structures are alike up to what is named here.
gp_luajit luajit_offsets_64() {
  gp_luajit lj = alike();
  lj.wide = 1;
  lj.global_vmstate = 184;
  lj.global_main = 192;
  lj.global_cur_L = 368;
  lj.global_jit_base = 376;
  lj.object_type = 9;
  lj.state_global = 16;
  lj.state_base = 32;
  lj.state_limit = 48;
  lj.state_stack = 56;
  lj.state_cframe = 80;
  lj.frame_state = 16;
  lj.frame_results = 8;
  lj.function_kind = 10;
  lj.function_pc = 32;
  lj.function_c = 40;
  lj.proto_bytes = 104;
  lj.proto_code_size = 12;
  lj.proto_constants = 32;
  lj.proto_size = 56;
  lj.proto_source = 64;
  lj.proto_first_line = 72;
  lj.proto_line_count = 76;
  lj.proto_lines = 80;
  lj.proto_upvalues = 88;
  lj.proto_locals = 96;
  lj.string_bytes = 24;
  lj.string_hash = 16;
  lj.string_length = 20;
  lj.trace_code_size = 84;
  lj.trace_code = 88;
  lj.trace_snapshot_count = 10;
  lj.trace_snapshots = 48;
  lj.trace_snapshot_map = 56;
  lj.trace_ir = 32;
  return lj;
}

// Of v2.1.0-beta3 (8271c643), whose snapshots do not tell code apart.
gp_luajit luajit_offsets_32() {
  gp_luajit lj = alike();
  lj.global_vmstate = 88;
  lj.global_main = 128;
  lj.global_cur_L = 248;
  lj.global_jit_base = 252;
  lj.object_type = 5;
  lj.state_global = 8;
  lj.state_base = 16;
  lj.state_limit = 32;
  lj.state_stack = 36;
  lj.state_cframe = 48;
  lj.frame_state = 24;
  lj.frame_results = 16;
  lj.function_kind = 6;
  lj.function_pc = 16;
  lj.function_c = 24;
  lj.proto_bytes = 64;
  lj.proto_code_size = 8;
  lj.proto_constants = 16;
  lj.proto_size = 32;
  lj.proto_source = 40;
  lj.proto_first_line = 44;
  lj.proto_line_count = 48;
  lj.proto_lines = 52;
  lj.proto_upvalues = 56;
  lj.proto_locals = 60;
  lj.string_bytes = 16;
  lj.string_hash = 8;
  lj.string_length = 12;
  lj.trace_code = 64;
  return lj;
}

}  // namespace gp::runtimes::lua
