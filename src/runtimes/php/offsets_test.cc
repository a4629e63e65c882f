// The tables of offsets against the compiler's view of PHP's own headers, where they are installed (phpX.Y-dev), or in
// the folders that GP_PHP_HEADERS names, separated by colons.
#include "runtimes/php/offsets.h"

#include <glob.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace gp::runtimes::php {
namespace {

constexpr const char* kProbe = R"(
#include <stddef.h>
#include <stdio.h>
#include "php.h"
#include "zend_generators.h"
#define SAY(name, value) printf("%s %ld\n", name, (long)(value))
int main(void) {
  SAY("version", PHP_MAJOR_VERSION << 8 | PHP_MINOR_VERSION);
  SAY("current", offsetof(zend_executor_globals, current_execute_data));
  SAY("call_opline", offsetof(zend_execute_data, opline));
  SAY("call_function", offsetof(zend_execute_data, func));
  SAY("call_this", offsetof(zend_execute_data, This));
  SAY("call_info", offsetof(zend_execute_data, This.u1.type_info));
  SAY("call_previous", offsetof(zend_execute_data, prev_execute_data));
  SAY("call_top", ZEND_CALL_TOP);
  SAY("call_generator", ZEND_CALL_GENERATOR);
  SAY("is_object", IS_OBJECT);
  SAY("function_type", offsetof(zend_op_array, type));
  SAY("function_name", offsetof(zend_op_array, function_name));
  SAY("function_scope", offsetof(zend_op_array, scope));
  SAY("internal_name", offsetof(zend_internal_function, function_name));
  SAY("internal_scope", offsetof(zend_internal_function, scope));
  SAY("internal", ZEND_INTERNAL_FUNCTION);
  SAY("function_last", offsetof(zend_op_array, last));
  SAY("function_opcodes", offsetof(zend_op_array, opcodes));
  SAY("function_file", offsetof(zend_op_array, filename));
  SAY("function_line", offsetof(zend_op_array, line_start));
  SAY("function_bytes", offsetof(zend_op_array, line_end) + 4);
  SAY("op_bytes", sizeof(zend_op));
  SAY("op_line", offsetof(zend_op, lineno));
  SAY("op_code", offsetof(zend_op, opcode));
  SAY("op_argument", offsetof(zend_op, extended_value));
#ifdef ZEND_FRAMELESS_ICALL_0
  SAY("frameless", ZEND_FRAMELESS_ICALL_0);
  SAY("frameless_last", ZEND_FRAMELESS_ICALL_3);
#else
  SAY("frameless", 204);
  SAY("frameless_last", 207);
#endif
  SAY("class_name", offsetof(zend_class_entry, name));
  SAY("string_hash", offsetof(zend_string, h));
  SAY("string_length", offsetof(zend_string, len));
  SAY("string_data", offsetof(zend_string, val));
  SAY("generator_call", offsetof(zend_generator, execute_data));
  SAY("generator_parent", offsetof(zend_generator, node.parent));
  SAY("generator_placeholder", offsetof(zend_generator, execute_fake));
  return 0;
}
)";

std::vector<std::string> header_folders() {
  std::vector<std::string> folders;
  std::vector<std::string> patterns = {"/usr/include/php/20*"};
  const char* cache = std::getenv("GP_TEST_CACHE");
  const char* home = std::getenv("HOME");
  // What tests/support/built.py has made.
  if (cache != nullptr || home != nullptr)
    patterns.push_back((cache != nullptr ? cache : std::string(home) + "/.cache/gprofiler-tests") +
                       "/phps/*/include/php");
  for (const auto& pattern : patterns) {
    glob_t paths{};
    if (glob(pattern.c_str(), 0, nullptr, &paths) == 0)
      for (size_t i = 0; i < paths.gl_pathc; ++i) folders.emplace_back(paths.gl_pathv[i]);
    globfree(&paths);
  }
  const char* given = std::getenv("GP_PHP_HEADERS");
  std::istringstream more(given == nullptr ? "" : given);
  for (std::string folder; std::getline(more, folder, ':');) folders.push_back(folder);
  return folders;
}

// `more`: options of the compiler.
std::map<std::string, long> probe(const std::string& headers, const std::string& more) {
  const std::string base = testing::TempDir() + "gp_php_probe_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kProbe;
  const std::string command = "gcc -w " + more + " -I" + headers + " -I" + headers + "/main -I" + headers + "/Zend -I" +
                              headers + "/TSRM " + base + ".c -o " + base + " && " + base;
  std::map<std::string, long> values;
  if (FILE* pipe = popen(command.c_str(), "r"); pipe != nullptr) {
    char buffer[8192];
    std::string text;
    for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, got);
    pclose(pipe);
    std::istringstream in(text);
    std::string name;
    for (long value = 0; in >> name >> value;) values[name] = value;
  }
  unlink((base + ".c").c_str());
  unlink(base.c_str());
  return values;
}

void expect_offsets(const std::string& headers, const std::string& more) {
  auto says = probe(headers, more);
  ASSERT_FALSE(says.empty()) << headers;
  const auto php = offsets_of(static_cast<uint16_t>(says["version"]));
  ASSERT_TRUE(php) << headers;
  const std::map<std::string, long> ours = {
      {"version", php->version},
      {"current", current_call_offset(php->version)},
      {"call_opline", GP_PHP_CALL_OPLINE},
      {"call_function", GP_PHP_CALL_FUNCTION},
      {"call_this", GP_PHP_CALL_THIS},
      {"call_info", GP_PHP_CALL_INFO},
      {"call_previous", GP_PHP_CALL_PREVIOUS},
      {"call_top", GP_PHP_CALL_TOP},
      {"call_generator", GP_PHP_CALL_GENERATOR},
      {"is_object", GP_PHP_IS_OBJECT},
      {"function_type", GP_PHP_FUNCTION_TYPE},
      {"function_name", GP_PHP_FUNCTION_NAME},
      {"function_scope", GP_PHP_FUNCTION_SCOPE},
      {"internal_name", GP_PHP_FUNCTION_NAME},
      {"internal_scope", GP_PHP_FUNCTION_SCOPE},
      {"internal", GP_PHP_TYPE_INTERNAL},
      {"function_last", php->function_last},
      {"function_opcodes", php->function_opcodes},
      {"function_file", php->function_file},
      {"function_line", php->function_line},
      {"op_bytes", GP_PHP_OP_BYTES},
      {"op_line", GP_PHP_OP_LINE},
      {"op_code", GP_PHP_OP_CODE},
      {"op_argument", GP_PHP_OP_ARGUMENT},
      {"frameless", GP_PHP_FRAMELESS},
      {"frameless_last", GP_PHP_FRAMELESS + GP_PHP_FRAMELESS_COUNT - 1},
      {"class_name", GP_PHP_CLASS_NAME},
      {"string_hash", GP_PHP_STRING_HASH},
      {"string_length", GP_PHP_STRING_LENGTH},
      {"string_data", GP_PHP_STRING_DATA},
      {"generator_call", php->generator_call},
      {"generator_parent", php->generator_parent},
      {"generator_placeholder", php->generator_placeholder},
  };
  for (const auto& [name, value] : ours) EXPECT_EQ(value, says[name]) << headers << " " << name << more;
  EXPECT_LE(says["function_bytes"], GP_PHP_FUNCTION_BYTES) << headers;
}

// With thread safety (ZTS) they are the same.
TEST(PhpOffsets, AreThoseOfTheHeaders) {
  const auto folders = header_folders();
  if (folders.empty()) GTEST_SKIP() << "no headers of PHP installed";
  for (const auto& folder : folders)
    for (const char* more : {"", "-DZTS -DPTHREADS"}) expect_offsets(folder, more);
}

TEST(PhpOffsets, LieInWhatIsRead) {
  size_t known = 0;
  for (uint16_t version = 0x0700; version < 0x0a00; ++version) {
    const auto php = offsets_of(version);
    if (!php) continue;
    ++known;
    EXPECT_TRUE(offsets_are_sane(*php)) << version;
    EXPECT_EQ(php->version, version);
  }
  EXPECT_EQ(known, 8U);
  EXPECT_FALSE(offsets_of(0x0807));  // not yet
  EXPECT_FALSE(offsets_of(0x0703));
}

}  // namespace
}  // namespace gp::runtimes::php
