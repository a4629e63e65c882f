#include "runtimes/ruby/offsets.h"

#include <charconv>
#include <tuple>

namespace gp::runtimes::ruby {
namespace {

// A class' FL_SINGLETON (include/ruby/internal/fl_type.h): FL_USER0 up to 3.3, FL_USER1 from 3.4 on.
constexpr uint16_t kUser0 = 1U << 12U;
constexpr uint16_t kUser1 = 1U << 13U;

// Read from the debug information of a file that includes the version's vm_core.h, iseq.h, method.h and
// internal/class.h, compiled with the configuration of Debian's ruby-dev (2.7.4, 3.1.2, 3.3.8, 3.4.5) or as configure
// finds it (3.2.0, 4.0.0); the constants of bpf/abi/ruby.h likewise. Each is also checked by walking the interpreters
// themselves (walk_test.cc).
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

// From rbspy-ruby-structs 0.55 (ruby_3_0_0.rs) and Ruby's headers (3.0.3); classes and collector as in 2.7 and 3.1.
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

gp_ruby ruby_3_2() {
  gp_ruby ruby = ruby_3_1();
  ruby.version = 0x0302;
  ruby.thread_ec = 48;
  ruby.vm_heap = 1128;
  ruby.vm_shapes = 376;
  ruby.lines = 112;
  ruby.string_length_apart = 1;
  ruby.first_line_tagged = 0;
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

gp_ruby ruby_4_0() {
  gp_ruby ruby = ruby_3_4();
  ruby.version = 0x0400;
  ruby.vm_heap = 1248;
  ruby.class_path = 152;      // 24 + rb_classext_t.classpath
  ruby.class_attached = 136;  // 24 + rb_classext_t.as.singleton_class.attached_object
  ruby.heap_flags = 28;
  return ruby;
}

// How many words later releases of a version put in front of rb_vm_t.objspace (rbspy-ruby-structs 0.55: ruby_3_1_5.rs,
// ruby_3_2_3.rs, ruby_3_2_4.rs, ruby_4_0_6.rs, beside those before them; the rest of what is walked stays where it is).
unsigned words_more(const Version& version) {
  unsigned words = 0;
  for (const auto& [number, patch] : {std::tuple<uint16_t, unsigned>{0x0301, 5}, {0x0302, 3}, {0x0302, 4}, {0x0400, 6}})
    if (version.number == number && version.patch >= patch) ++words;
  return words;
}

// One number at the beginning of `text`, which goes on behind it and the dot that follows.
template <typename T>
std::optional<T> take_number(std::string_view& text) {
  T value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end.ptr - text.data()));
  if (text.starts_with('.')) text.remove_prefix(1);
  return value;
}

}  // namespace

std::optional<Version> version_of(std::string_view text) {
  const auto major = take_number<uint8_t>(text);
  const auto minor = take_number<uint8_t>(text);
  if (!major || !minor) return std::nullopt;
  return Version{static_cast<uint16_t>(*major << 8U | *minor), take_number<unsigned>(text).value_or(0)};
}

std::optional<gp_ruby> offsets_of(std::string_view text) {
  const auto version = version_of(text);
  if (!version) return std::nullopt;
  for (gp_ruby known : {ruby_2_7(), ruby_3_0(), ruby_3_1(), ruby_3_2(), ruby_3_3(), ruby_3_4(), ruby_4_0()}) {
    if (known.version != version->number) continue;
    known.vm_heap = static_cast<uint16_t>(known.vm_heap + 8 * words_more(*version));
    return known;
  }
  return std::nullopt;
}

}  // namespace gp::runtimes::ruby
