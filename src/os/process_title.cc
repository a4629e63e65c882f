#include "os/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace gp::os {
namespace {

// The bytes from the first argument's begin to the end of the last string that follows without a gap.
size_t room(int argc, char** argv) {
  char* end = argv[0];
  for (int i = 0; i < argc && argv[i] == end; ++i) end = argv[i] + std::strlen(argv[i]) + 1;
  for (char** variable = environ; *variable != nullptr && *variable == end; ++variable) {
    end = *variable + std::strlen(*variable) + 1;
  }
  return static_cast<size_t>(end - argv[0]);
}

// Lives as long as the program: getenv() hands out pointers into it.
void move_environment() {
  static auto* const kStrings = new std::vector<std::string>();
  static auto* const kPointers = new std::vector<char*>();
  for (char** variable = environ; *variable != nullptr; ++variable) kStrings->emplace_back(*variable);
  for (std::string& text : *kStrings) kPointers->push_back(text.data());
  kPointers->push_back(nullptr);
  environ = kPointers->data();
}

}  // namespace

void set_process_title(int argc, char** argv, std::string_view title) {
  if (argc < 1 || environ == nullptr) return;
  const size_t bytes = room(argc, argv);
  if (bytes < 2) return;
  move_environment();
  std::memset(argv[0], 0, bytes);
  std::memcpy(argv[0], title.data(), std::min(title.size(), bytes - 1));
}

}  // namespace gp::os
