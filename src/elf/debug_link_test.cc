#include "elf/debug_link.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "elf/test_file.h"

namespace gp::elf {
namespace {

class DebugLinkFiles : public testing::Test {
 protected:
  void SetUp() override {
    search_.directory = "/usr/bin";
    search_.roots = {root_};
    search_.debug_directory = "/usr/lib/debug";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::vector<uint8_t>& bytes) {
    std::filesystem::create_directories((root_.string() + path).substr(0, (root_.string() + path).rfind('/')));
    std::ofstream(root_.string() + path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  static std::vector<uint8_t> debug_bytes(const std::string& function, const std::vector<uint8_t>& build_id = {}) {
    TestFile file;
    if (!build_id.empty()) note(file, build_id);
    file.symtab({{function, 0x1000, 8}});
    return file.bytes();
  }
  static void note(TestFile& file, const std::vector<uint8_t>& build_id) {
    std::vector<uint8_t> bytes;
    for (const uint32_t word : {4U, static_cast<uint32_t>(build_id.size()), 3U}) TestFile::append(bytes, word);
    for (const char c : {'G', 'N', 'U', '\0'}) bytes.push_back(static_cast<uint8_t>(c));
    bytes.insert(bytes.end(), build_id.begin(), build_id.end());
    file.section(".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, 0, bytes);
  }
  static Image with_link(const std::vector<uint8_t>& debug) {
    TestFile file;
    std::vector<uint8_t> link{'a', '.', 'd', 'e', 'b', 'u', 'g', 0};
    TestFile::append(link, static_cast<uint32_t>(crc32_z(0, debug.data(), debug.size())));
    file.section(".gnu_debuglink", SHT_PROGBITS, 0, 0, link);
    return file.image();
  }
  [[nodiscard]] std::string found_in(const Image& image) const {
    const auto found = find_debug_file(image, search_);
    return found ? found->path.substr(root_.string().size()) : "";
  }

  std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("debug_link." + std::to_string(::getpid()));
  DebugFileSearch search_;
};

TEST_F(DebugLinkFiles, FollowsTheLinkToEachPlace) {
  const auto debug = debug_bytes("main");
  const Image image = with_link(debug);
  EXPECT_EQ(debug_file_stamp(image, search_), 0U);
  EXPECT_EQ(found_in(image), "");
  write("/usr/lib/debug/usr/bin/a.debug", debug);
  EXPECT_EQ(found_in(image), "/usr/lib/debug/usr/bin/a.debug");
  write("/usr/bin/.debug/a.debug", debug);
  EXPECT_EQ(found_in(image), "/usr/bin/.debug/a.debug");
  const uint64_t before = debug_file_stamp(image, search_);
  write("/usr/bin/a.debug", debug);
  EXPECT_EQ(found_in(image), "/usr/bin/a.debug");
  EXPECT_NE(debug_file_stamp(image, search_), before);
}

TEST_F(DebugLinkFiles, RefusesFilesOfAnotherChecksum) {
  const auto debug = debug_bytes("main");
  const Image image = with_link(debug);
  write("/usr/bin/a.debug", debug_bytes("another"));
  EXPECT_EQ(found_in(image), "");
}

TEST_F(DebugLinkFiles, FindsByBuildId) {
  const std::vector<uint8_t> id{0xab, 0xcd, 0xef, 0x01};
  TestFile file;
  note(file, id);
  const Image image = file.image();
  ASSERT_EQ(image.build_id().size(), 4U);
  write("/usr/lib/debug/.build-id/ab/cdef01.debug", debug_bytes("main", {1, 2, 3, 4}));
  EXPECT_EQ(found_in(image), "");  // another build's
  write("/usr/lib/debug/.build-id/ab/cdef01.debug", debug_bytes("main", id));
  EXPECT_EQ(found_in(image), "/usr/lib/debug/.build-id/ab/cdef01.debug");
}

TEST_F(DebugLinkFiles, TakesNoPathForAName) {
  TestFile file;
  std::vector<uint8_t> link;
  for (const char c : std::string_view("../../a\0", 8)) link.push_back(static_cast<uint8_t>(c));
  TestFile::append(link, uint32_t{0});
  file.section(".gnu_debuglink", SHT_PROGBITS, 0, 0, link);
  write("/a", debug_bytes("main"));
  EXPECT_EQ(found_in(file.image()), "");
}

}  // namespace
}  // namespace gp::elf
