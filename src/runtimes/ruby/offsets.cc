#include "runtimes/ruby/offsets.h"

#include <charconv>

namespace gp::runtimes::ruby {
namespace {

// Read from the debug information of a file that includes the version's vm_core.h, iseq.h, method.h and
// internal/class.h, compiled with the configuration of Debian's ruby-dev (2.7.4, 3.1.2, 3.3.8); the constants of
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
  for (const gp_ruby& known : {ruby_2_7(), ruby_3_1(), ruby_3_3()})
    if (known.version == version) return known;
  return std::nullopt;
}

}  // namespace gp::runtimes::ruby
