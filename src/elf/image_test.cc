#include "elf/image.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

namespace gp::elf {
namespace {

// A minimal file: header, one executable segment over all of it, no sections.
std::vector<uint8_t> tiny_elf() {
  std::vector<uint8_t> bytes(0x2000, 0);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = EM_X86_64;
  header.e_type = ET_EXEC;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr load{PT_LOAD, PF_R | PF_X, 0x1000, 0x401000, 0x401000, 0x800, 0x900, 0x1000};
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), &load, sizeof(load));
  return bytes;
}

template <class T>
void put(std::vector<uint8_t>& bytes, size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

TEST(Image, ConvertsOffsetsAndAddresses) {
  auto image = Image::from_memory(tiny_elf());
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->to_vaddr({0x1010}), Vaddr{0x401010});
  EXPECT_EQ(image->to_offset({0x4017ff}), FileOffset{0x17ff});
  EXPECT_FALSE(image->to_vaddr({0xfff}));
  EXPECT_FALSE(image->to_offset({0x401800}));  // zero-filled part
  EXPECT_EQ(image->bytes_at({0x401700}).size(), 0x100U);
  ASSERT_EQ(image->executable_ranges().size(), 1U);
  EXPECT_EQ(image->executable_ranges()[0].end, FileOffset{0x1800});
  EXPECT_TRUE(image->is_static());
}

TEST(Image, CutsSegmentsToTheFile) {
  auto bytes = tiny_elf();
  put(bytes, sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz), UINT64_MAX);
  auto image = Image::from_memory(bytes);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->executable_ranges()[0].end, FileOffset{0x2000});
  put(bytes, sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 5);
  image = Image::from_memory(bytes);
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->executable_ranges().empty());
}

TEST(Image, BearsAbsurdTables) {
  auto bytes = tiny_elf();
  put(bytes, offsetof(Elf64_Ehdr, e_shoff), uint64_t{0x1000});
  put(bytes, offsetof(Elf64_Ehdr, e_shentsize), uint16_t{sizeof(Elf64_Shdr)});
  put(bytes, offsetof(Elf64_Ehdr, e_shstrndx), uint16_t{SHN_XINDEX});
  put(bytes, 0x1000 + offsetof(Elf64_Shdr, sh_size), UINT64_MAX / 64 + 2);
  put(bytes, 0x1000 + offsetof(Elf64_Shdr, sh_link), UINT32_MAX);
  auto image = Image::from_memory(bytes);
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->sections().empty());
  put(bytes, 0x1000 + offsetof(Elf64_Shdr, sh_size), uint64_t{4});
  image = Image::from_memory(bytes);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->sections().size(), 4U);
  EXPECT_EQ(image->sections()[0].name, "");
}

TEST(Image, RefusesWhatIsNotOurs) {
  EXPECT_EQ(Image::from_memory({}).error().code(), ErrorCode::kMalformed);
  EXPECT_EQ(Image::from_memory(std::vector<uint8_t>(4096, 'x')).error().code(), ErrorCode::kMalformed);
  auto bytes = tiny_elf();
  bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(Image::from_memory(bytes).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Image::open("/proc/self/maps").error().code(), ErrorCode::kMalformed);
}

TEST(Image, ReadsOwnExecutable) {
  auto image = Image::open("/proc/self/exe");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->machine(), Machine::kX86_64);
  EXPECT_NE(image->section(".text"), nullptr);
  EXPECT_FALSE(image->interpreter().empty());
  EXPECT_FALSE(image->is_static());
  EXPECT_FALSE(image->build_id().empty());
  const auto offset = image->to_offset(image->entry());
  ASSERT_TRUE(offset);
  EXPECT_EQ(image->to_vaddr(*offset), image->entry());
  Image moved = std::move(*image);
  EXPECT_EQ(moved.section(".text")->name, ".text");
}

TEST(Image, FileIdFollowsBuildIdAndLayout) {
  auto first = Image::open("/proc/self/exe");
  auto second = Image::open("/proc/self/exe");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->file_id(), second->file_id());
  auto bytes = tiny_elf();
  const auto plain = Image::from_memory(bytes)->file_id();
  bytes.push_back(0);
  EXPECT_NE(Image::from_memory(bytes)->file_id(), plain);
}

TEST(Image, ReadsVdsoFromMemory) {
  const auto base = getauxval(AT_SYSINFO_EHDR);
  if (base == 0) GTEST_SKIP() << "no vdso";
  const auto* start = reinterpret_cast<const uint8_t*>(base);
  auto image = Image::from_memory(std::vector<uint8_t>(start, start + 4096));
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->soname(), "linux-vdso.so.1");
  EXPECT_FALSE(image->build_id().empty());
}

}  // namespace
}  // namespace gp::elf
