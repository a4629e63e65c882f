#include "runtimes/ruby/offsets.h"

#include <charconv>

namespace gp::runtimes::ruby {
namespace {

// include/ruby/internal/fl_type.h: FL_USER0 up to 3.3, FL_USER1 from 3.4 on.
constexpr uint16_t kUser0 = 1U << 12U;
constexpr uint16_t kUser1 = 1U << 13U;

// Read from the debug information of a file that includes the version's vm_core.h, iseq.h, method.h and
// internal/class.h, compiled with the configuration of Debian's ruby-dev (2.7.4, 3.1.2, 3.3.8, 3.4.5); the constants of
// bpf/abi/ruby.h likewise. Each is also checked by walking the interpreters themselves (walk_test.cc).
gp_ruby ruby_2_7() {
  gp_ruby ruby{};
  ruby.version = 0x0207;
  ruby.ec_thread = 56;
  ruby.thread_id = 72;
  ruby.thread_ec = 32;
  ruby.thread_vm = 24;
  ruby.vm_threads = 312;
  ruby.vm_heap = 1152;
  ruby.frame_bytes = 56;
  ruby.lines = 120;
  ruby.line_bytes = 8;
  ruby.first_line_tagged = 1;
  ruby.class_singleton = kUser0;
  ruby.heap_flags = 16;
  return ruby;
}

// From rbspy-ruby-structs 0.55 (ruby_3_0_0.rs), which agrees with the others; classes and collector as in 2.7 and 3.1.
gp_ruby ruby_3_0() {
  gp_ruby ruby{};
  ruby.version = 0x0300;
  ruby.ec_thread = 56;
  ruby.thread_ec = 40;
  ruby.thread_vm = 32;
  ruby.vm_heap = 1088;
  ruby.frame_bytes = 56;
  ruby.lines = 120;
  ruby.line_bytes = 8;
  ruby.first_line_tagged = 1;
  ruby.class_singleton = kUser0;
  ruby.heap_flags = 16;
  return ruby;
}

gp_ruby ruby_3_1() {
  gp_ruby ruby{};
  ruby.version = 0x0301;
  ruby.ec_thread = 48;
  ruby.thread_ec = 40;
  ruby.thread_vm = 32;
  ruby.vm_heap = 1104;
  ruby.frame_bytes = 64;
  ruby.lines = 120;
  ruby.line_bytes = 12;
  ruby.first_line_tagged = 1;
  ruby.class_singleton = kUser0;
  ruby.heap_flags = 16;
  return ruby;
}

gp_ruby ruby_3_3() {
  gp_ruby ruby{};
  ruby.version = 0x0303;
  ruby.ec_thread = 48;
  ruby.thread_ec = 48;
  ruby.thread_vm = 32;
  ruby.vm_heap = 1304;
  ruby.frame_bytes = 56;
  ruby.lines = 112;
  ruby.line_bytes = 12;
  ruby.class_path = 152;      // 32 + rb_classext_t.classpath
  ruby.class_attached = 128;  // 32 + rb_classext_t.as.singleton_class.attached_object
  ruby.string_length_apart = 1;
  ruby.class_singleton = kUser0;
  ruby.heap_flags = 16;
  return ruby;
}

gp_ruby ruby_3_4() {
  gp_ruby ruby = ruby_3_3();
  ruby.version = 0x0304;
  ruby.vm_heap = 1296;  // gc.objspace
  ruby.class_singleton = kUser1;
  ruby.heap_flags = 20;  // behind rb_gc_config; of the collector that is built in, as in builds that can load another
  return ruby;
}

}  // namespace

uint16_t version_number(std::string_view text) {
  uint8_t major = 0;
  uint8_t minor = 0;
  const char* end = text.data() + text.size();
  const char* begin = text.data();
  const auto first = std::from_chars(begin, end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return 0;
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc()) return 0;
  return static_cast<uint16_t>(major << 8U | minor);
}

std::optional<gp_ruby> offsets_of(uint16_t version) {
  for (const gp_ruby& known : {ruby_2_7(), ruby_3_0(), ruby_3_1(), ruby_3_3(), ruby_3_4()})
    if (known.version == version) return known;
  return std::nullopt;
}

}  // namespace gp::runtimes::ruby
