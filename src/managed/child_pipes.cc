#include "managed/child_pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "os/pipe.h"

namespace gp::managed {
namespace {

constexpr size_t kChunkBytes = 16U << 10U;
constexpr int kChunksPerTurn = 16;  // so that one flood leaves time for other children
constexpr int kChunksAtEnd = 128;   // 2 MiB: more than any pipe holds (pipe-max-size is 1 MiB)

Result<os::UniqueFd> our_end(os::UniqueFd fd) {
  GP_TRY(os::do_not_block(fd.get()));
  return fd;
}

}  // namespace

Result<OutputPipe> OutputPipe::make(Output wanted, os::UniqueFd& theirs, ProcessCounts& counts) {
  OutputPipe made;
  if (std::holds_alternative<ToNull>(wanted)) {
    GP_ASSIGN(theirs, os::open_file("/dev/null", O_WRONLY));
    return made;
  }
  if (const auto* file = std::get_if<ToFile>(&wanted)) {
    GP_ASSIGN(theirs, os::open_file(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    return made;
  }
  GP_ASSIGN(os::Pipe pipe, os::make_pipe());
  theirs = std::move(pipe.write);
  GP_ASSIGN(made.fd_, our_end(std::move(pipe.read)));
  made.pipe_ = Gauged(counts.pipes_open);
  made.descriptor_ = Gauged(counts.fds_open);
  if (const auto* memory = std::get_if<ToMemory>(&wanted)) made.captured_.emplace(memory->keep, memory->max_bytes);
  if (auto* parser = std::get_if<ToParser>(&wanted)) {
    made.lines_ = std::make_unique<LineCutter>(kOutputBytes, std::move(parser->line));
  }
  return made;
}

void OutputPipe::take(std::string_view chunk) {
  if (captured_) return captured_->append(chunk);
  if (satisfied_) {
    unwanted_bytes_ += chunk.size();
  } else {
    satisfied_ = !lines_->feed(chunk);
  }
}

bool OutputPipe::drain() {
  std::array<char, kChunkBytes> chunk{};
  for (int i = 0; fd_ && i < kChunksPerTurn; ++i) {
    const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      close();
      return false;
    }
    take({chunk.data(), static_cast<size_t>(got)});
  }
  return static_cast<bool>(fd_);
}

void OutputPipe::finish() {
  for (int i = 0; i < kChunksAtEnd / kChunksPerTurn && drain(); ++i) continue;
  close();
}

void OutputPipe::close() {
  if (!fd_) return;
  fd_.reset();
  pipe_ = Gauged();
  descriptor_ = Gauged();
  if (lines_ && !satisfied_) lines_->finish();
}

uint64_t OutputPipe::dropped_bytes() const {
  const uint64_t oversized = lines_ ? lines_->oversized() : 0;  // lines, each above kOutputBytes
  return (captured_ ? captured_->dropped_bytes() : 0) + unwanted_bytes_ + oversized * kOutputBytes;
}

Result<InputPipe> InputPipe::make(Input wanted, os::UniqueFd& theirs, ProcessCounts& counts) {
  InputPipe made;
  if (auto* text = std::get_if<FromText>(&wanted)) {
    GP_ASSIGN(os::Pipe pipe, os::make_pipe());
    theirs = std::move(pipe.read);
    GP_ASSIGN(made.fd_, our_end(std::move(pipe.write)));
    made.pipe_ = Gauged(counts.pipes_open);
    made.descriptor_ = Gauged(counts.fds_open);
    made.text_ = std::move(text->text);
    return made;
  }
  const auto* file = std::get_if<FromFile>(&wanted);
  GP_ASSIGN(theirs, os::open_file(file != nullptr ? file->path : "/dev/null", O_RDONLY));
  return made;
}

void InputPipe::feed() {
  // The agent ignores SIGPIPE (src/managed/launcher.cc), so a reader that has gone is an error like others.
  while (fd_) {
    const ssize_t put = ::write(fd_.get(), text_.data() + written_, text_.size() - written_);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put > 0) written_ += static_cast<size_t>(put);
    if (put < 0 || written_ == text_.size()) close();
  }
}

void InputPipe::close() {
  fd_.reset();
  pipe_ = Gauged();
  descriptor_ = Gauged();
}

}  // namespace gp::managed
