// From walked samples to a named profile, over one made-up program.
#include "session/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "session/closer.h"
#include "session/sample_record.h"
#include "targets/testing/code_dir.h"

namespace gp::session {
namespace {

using profile::WalkEnd;
constexpr uint64_t kPeriodNs = 10'000'000;
constexpr ProcessKey kProcess{.pid = 7, .start_ticks = 70};

gp_frame native(uint64_t offset, uint8_t flags = GP_FRAME_RETURN_ADDRESS) {
  return {.kind = GP_FRAME_NATIVE, .flags = flags, .cookie = 0, .extra = 0, .value = offset};
}
gp_frame python(uint64_t object, uint32_t cookie, uint32_t unit) {
  return {.kind = GP_FRAME_PYTHON,
          .flags = 0,
          .cookie = static_cast<uint16_t>(cookie),
          .extra = unit,
          .value = GP_CODE_VALUE(object, cookie)};
}
gp_frame gap(gp_walk_end why) {
  return {
      .kind = GP_FRAME_END, .flags = 0, .cookie = 0, .extra = GP_RUNTIME_PYTHON, .value = static_cast<uint64_t>(why)};
}

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() {
    elf::TestFile elf;
    elf.code(".text", 0x401000, std::vector<uint8_t>(0x100, 0x90));
    elf.symtab({{"main", 0x401000, 0x40}, {"_Z4workv", 0x401040, 0x40}});
    file_->path = "/bin/made-up";
    file_->image = std::make_shared<const elf::Image>(elf.image());
    file_->state = targets::CodeFile::State::kReady;
    text_ = file_->image->to_offset({0x401000})->value;
    program_->key = kProcess;
    program_->comm = "made-up";
    header_.pid = 7;
    header_.tid = 8;
    header_.start_ticks = kProcess.start_ticks;
  }

  // Frames leaf first.
  void add(const std::vector<gp_frame>& frames, WalkEnd end = WalkEnd::kRoot,
           const std::vector<uint64_t>& kernel = {}) {
    WalkedSample sample;
    sample.header = &header_;
    sample.weight_ns = weight_ns_;
    sample.code = &code_;
    sample.frames = frames;
    sample.kernel = kernel;
    sample.end = end;
    sample.guessed = guessed_;
    sample.deferred = deferred_;
    sample.program = program_;
    recording_.add(sample, [this](uint32_t slot) -> const std::shared_ptr<targets::CodeFile>& {
      return slot == 0 ? file_ : nothing_;
    });
    ++taken_;
  }
  void add_code(uint64_t object, uint32_t cookie, const std::string& name, bool known = true) {
    targets::CodeSymbol symbol;
    symbol.name = name;
    symbol.file = "/x.py";
    symbol.first_line = 10;
    symbol.name_known = known;
    symbol.kind = GP_RUNTIME_PYTHON;
    symbol.packages = packages_;
    code_.add({.process = kProcess, .runtime = GP_RUNTIME_PYTHON, .cookie = cookie, .object = object},
              std::move(symbol));
  }
  [[nodiscard]] uint64_t main_at(uint64_t distance = 8) const { return text_ + distance; }
  [[nodiscard]] uint64_t work_at(uint64_t distance = 8) const { return text_ + 0x40 + distance; }
  [[nodiscard]] uint64_t unnamed_at() const { return text_ + 0xa0; }

  profile::Profile close() {
    symbols::SymbolizerOptions options;
    options.cache_directory = "";
    options.debug_directory = "/nonexistent";
    options.kernel = {.kallsyms = "/nonexistent", .modules = "/nonexistent"};
    symbols::Symbolizer symbolizer(options);
    profile::Profile profile;
    profile.period_ns = kPeriodNs;
    recording_.quality().taken = taken_;
    recording_.take_late_names(code_);
    Closer(&symbolizer, targets::kStubRuntimes, false, true).close(recording_, profile);
    check(profile);
    return profile;
  }
  // Text of every stack with its count, root first.
  static std::multiset<std::string> lines(const profile::Profile& profile) {
    std::multiset<std::string> all;
    for (const auto& sample : profile.samples) {
      std::string line;
      for (uint32_t node = sample.stack; node != 0; node = profile.nodes[node].parent) {
        const std::string frame = frame_text(profile.functions[profile.nodes[node].function]);
        line.insert(0, line.empty() ? frame : frame + ";");
      }
      all.insert(line + " " + std::to_string(sample.count));
    }
    return all;
  }

  std::shared_ptr<targets::CodeFile> file_ = std::make_shared<targets::CodeFile>();
  std::shared_ptr<targets::CodeFile> nothing_;
  std::shared_ptr<targets::Program> program_ = std::make_shared<targets::Program>();
  uint64_t text_ = 0;
  gp_sample header_{};
  uint64_t weight_ns_ = kPeriodNs;
  CodeTable code_;
  std::shared_ptr<const targets::PackageNames> packages_;
  bool guessed_ = false;
  bool deferred_ = false;
  uint64_t taken_ = 0;
  Recording recording_;

 private:
  // What holds of every profile.
  static void check(const profile::Profile& profile) {
    EXPECT_TRUE(profile.quality.sums_hold());
    EXPECT_LE(profile.quality.unnamed_frames, profile.quality.frames);
    uint64_t count = 0;
    for (size_t i = 0; i < profile.samples.size(); ++i) {
      const auto& sample = profile.samples[i];
      count += sample.count;
      EXPECT_LT(sample.thread, profile.threads.size());
      EXPECT_LT(sample.stack, profile.nodes.size());
      EXPECT_GE(sample.count, 1U);
      if (i == 0) continue;
      const auto& before = profile.samples[i - 1];
      EXPECT_LT(std::pair(before.thread, before.stack), std::pair(sample.thread, sample.stack));
    }
    EXPECT_GE(count, profile.samples.size());
    for (uint32_t i = 1; i < profile.nodes.size(); ++i) {
      EXPECT_LT(profile.nodes[i].parent, i);
      EXPECT_LT(profile.nodes[i].function, profile.functions.size());
    }
    for (const auto& thread : profile.threads) EXPECT_LT(thread.process, profile.processes.size());
  }
};

using Lines = std::multiset<std::string>;

TEST_F(RecordingTest, NamesStacksRootFirst) {
  add({native(work_at(), 0), native(main_at())}, WalkEnd::kRoot, {0xffffffff81000010, 0xffffffff81000020});
  const auto profile = close();
  ASSERT_EQ(profile.samples.size(), 1U);
  const auto line = *lines(profile).begin();
  EXPECT_TRUE(line.starts_with("main;work();")) << line;
  EXPECT_TRUE(line.ends_with("_[k] 1")) << line;
  EXPECT_EQ(profile.processes.at(0).comm, "made-up");
  EXPECT_EQ(profile.threads.at(0).tid, 8);
}

TEST_F(RecordingTest, MergesPlacesOfOneName) {
  add({native(work_at(1), 0), native(main_at(5))});
  add({native(work_at(2), 0), native(main_at(9))});
  add({native(work_at(2), 0), native(main_at(9))});
  EXPECT_EQ(lines(close()), Lines{"main;work() 3"});
}

TEST_F(RecordingTest, LooksUpReturnAddressesInTheCall) {
  add({native(work_at(0), GP_FRAME_RETURN_ADDRESS)});
  add({native(work_at(0), 0)});
  EXPECT_EQ(lines(close()), (Lines{"main 1", "work() 1"}));
}

TEST_F(RecordingTest, KeepsThreadsApartAndKnowsThemByTheirLastName) {
  std::memcpy(header_.comm, "first", 6);
  add({native(main_at())});
  std::memcpy(header_.comm, "sixteen bytes ab", 16);
  add({native(main_at())});
  header_.tid = 9;
  add({native(main_at())});
  const auto profile = close();
  EXPECT_EQ(lines(profile), (Lines{"main 1", "main 2"}));
  ASSERT_EQ(profile.threads.size(), 2U);
  EXPECT_EQ(profile.threads[0].name, "sixteen bytes ab");
}

TEST_F(RecordingTest, CountsComeFromWeights) {
  weight_ns_ = kPeriodNs * 5 / 2;  // the rate was lowered under pressure
  add({native(main_at())});
  add({native(main_at())});
  weight_ns_ = 1;
  add({native(work_at())});
  EXPECT_EQ(lines(close()), (Lines{"main 5", "work() 1"})) << "5 periods; never less than one";
}

TEST_F(RecordingTest, SaysHowAWalkEnded) {
  add({native(work_at())}, WalkEnd::kTruncated);
  add({}, WalkEnd::kProcessGone);
  add({}, WalkEnd::kInExec, {0xffffffff81000010});
  guessed_ = true;
  add({native(work_at())});
  deferred_ = true;
  add({native(work_at())});
  add({native(work_at())}, WalkEnd::kNoUnwindInfo);
  const auto profile = close();
  EXPECT_THAT(lines(profile), testing::IsSupersetOf({"[truncated];work() 1", "[process gone] 1", "work() 2"}));
  EXPECT_EQ(profile.quality.whole, 0U);
  EXPECT_EQ(profile.quality.guessed, 2U);
  EXPECT_EQ(profile.quality.truncated, 2U);
  EXPECT_EQ(profile.quality.unwalked, 2U);
  EXPECT_EQ(profile.quality.deferred, 2U);
  EXPECT_EQ(profile.quality.ends[static_cast<size_t>(WalkEnd::kProcessGone)], 1U);
}

TEST_F(RecordingTest, SamplesWithoutAnyFrameCountToo) {
  add({});
  const auto profile = close();
  ASSERT_EQ(profile.samples.size(), 1U);
  EXPECT_EQ(profile.samples[0].stack, 0U);
  EXPECT_EQ(profile.quality.whole, 1U);
}

TEST_F(RecordingTest, CountsFramesWithoutNames) {
  add({native(unnamed_at()), native(main_at())});
  add({native(unnamed_at()), native(main_at())});
  add({native(main_at())}, WalkEnd::kTruncated);
  const auto profile = close();
  EXPECT_EQ(profile.quality.frames, 5U) << "markers are none";
  EXPECT_EQ(profile.quality.unnamed_frames, 2U);
  EXPECT_EQ(profile.quality.unnamed, 2U);
}

TEST_F(RecordingTest, FramesOfFilesThatWentAreMarked) {
  gp_frame frame = native(5);
  frame.extra = 77;
  add({frame, native(main_at())});
  EXPECT_EQ(lines(close()), Lines{"main;[unknown file] 1"});
}

TEST_F(RecordingTest, NamesGeneratedCodeByPlace) {
  add({{.kind = GP_FRAME_JIT, .flags = 0, .cookie = 0, .extra = 0, .value = 0x7f0000001234}, native(main_at())});
  const auto profile = close();
  EXPECT_EQ(profile.quality.unnamed_frames, 1U);
  EXPECT_EQ(profile.functions.back().kind, profile::FrameKind::kJit);
}

TEST_F(RecordingTest, TellsCodeObjectsAtOneAddressByTheirCookies) {
  add_code(0x7f1234567890, 0xaaaabbbb, "first");
  add_code(0x7f1234567890, 0xaaaacccc, "second");
  add_code(0x7f1234567890, 0xddddbbbb, "third");
  add({python(0x7f1234567890, 0xaaaabbbb, 0)});
  add({python(0x7f1234567890, 0xaaaacccc, 0)});
  add({python(0x7f1234567890, 0xddddbbbb, 0)});
  add({python(0x7f1234567890, 0xdddddddd, 0)});
  EXPECT_EQ(lines(close()), (Lines{"first (/x.py:10)_[p] 1", "second (/x.py:10)_[p] 1", "third (/x.py:10)_[p] 1",
                                   "[python: unnamed code] 1"}));
}

TEST_F(RecordingTest, ANameThatComesLaterIsTaken) {
  add_code(1, 1, "", false);
  add({python(1, 1, 0)});
  add_code(1, 1, "late");
  add_code(1, 1, "later still");
  EXPECT_EQ(lines(close()), Lines{"late (/x.py:10)_[p] 1"});
}

TEST_F(RecordingTest, CodeWithoutAReadableNameSaysSo) {
  add_code(1, 1, "", false);
  add({python(1, 1, 0)});
  const auto profile = close();
  EXPECT_EQ(profile.quality.unnamed_frames, 1U);
  EXPECT_TRUE(lines(profile).begin()->starts_with("[python: unreadable name]"));
}

TEST_F(RecordingTest, CodeOfAnotherProcessIsNotMistaken) {
  add_code(1, 1, "mine");
  header_.start_ticks = 71;  // the pid is another process' now
  add({python(1, 1, 0)});
  EXPECT_EQ(lines(close()), Lines{"[python: unnamed code] 1"});
}

TEST_F(RecordingTest, CodeSaysItsPackage) {
  struct Names final : targets::PackageNames {
    [[nodiscard]] std::string package_of(std::string_view file) const override { return file == "/x.py" ? "x==1" : ""; }
  };
  packages_ = std::make_shared<Names>();
  add_code(1, 1, "f");
  add({python(1, 1, 0)});
  EXPECT_EQ(lines(close()), Lines{"f (/x.py:10 [x==1])_[p] 1"});
}

TEST_F(RecordingTest, GapsSayWhy) {
  add({gap(GP_END_RUNTIME_READ), native(main_at())});
  add({gap(GP_END_RUNTIME_NOT_LOADED), native(main_at())});
  program_->runtimes.push_back({.kind = GP_RUNTIME_PYTHON, .text = "python 3.4", .version = {}, .supported = false});
  add({gap(GP_END_RUNTIME_NOT_LOADED), native(main_at())});
  EXPECT_EQ(lines(close()), (Lines{"main;[python: unreadable] 1", "main;[python: not loaded yet] 1",
                                   "main;[python 3.4: not supported] 1"}));
}

// Of a stack without unwind rules in its middle: the gap says so, not the root.
TEST_F(RecordingTest, AGapInsideIsNotSaidAgainAtTheRoot) {
  add_code(1, 1, "script");
  add({native(work_at()), gap(GP_END_NO_RULE), python(1, 1, 0)}, WalkEnd::kNoUnwindInfo);
  add({native(work_at()), gap(GP_END_NO_RULE)}, WalkEnd::kNoUnwindInfo);
  const auto profile = close();
  EXPECT_EQ(lines(profile), (Lines{"script (/x.py:10)_[p];[no unwind info];work() 1", "[no unwind info];work() 1"}));
  EXPECT_EQ(profile.quality.truncated, 2U);
}

TEST_F(RecordingTest, StopsGrowingAtItsBudgetAndCountsWhatItLeavesOut) {
  std::vector<gp_frame> frames(GP_MAX_FRAMES);
  uint64_t next = 0;
  while (recording_.quality().lost_total() == 0 && taken_ < 100'000) {
    for (gp_frame& frame : frames) {
      frame = {.kind = GP_FRAME_JIT, .flags = 0, .cookie = 0, .extra = 0, .value = ++next};
    }
    add(frames);
  }
  EXPECT_EQ(recording_.quality().lost_total(), 1U);
  EXPECT_LT(recording_.memory_bytes(), kMaxRecordingBytes * 5 / 2);
  recording_.quality().taken = taken_;
  EXPECT_TRUE(recording_.quality().sums_hold());
}

TEST(SampleRecord, IsTakenApartWithinItsBounds) {
  struct {
    gp_sample sample;
    gp_frame frames[3];
    uint64_t kernel[2];
  } record{};
  record.sample.user_frames = 3;
  record.sample.pending_frames = 1;
  record.sample.kernel_frames = 2;
  record.kernel[1] = 5;
  const Bytes bytes(reinterpret_cast<const uint8_t*>(&record), sizeof(record));
  const auto parsed = parse_sample(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->frames.size(), 2U);
  EXPECT_EQ(parsed->pending.data(), &record.frames[2]);
  EXPECT_EQ(parsed->kernel[1], 5U);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_sample(bytes.first(size))) << size;
  record.sample.pending_frames = 4;
  EXPECT_FALSE(parse_sample(bytes));
}

}  // namespace
}  // namespace gp::session
