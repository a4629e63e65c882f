// Clients of every manner. The server's clock is made up; the sockets are real.
#include "app/control_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "os/unix_socket.h"

namespace gp::app {
namespace {

using testing::HasSubstr;

class ControlServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ControlServer::listen(path_, {.request = [this](ClientId id, std::string_view line) { on(id, line); },
                                                .gone = [this](ClientId) { ++gone_; }});
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void on(ClientId id, std::string_view line) {
    ++requests_;
    last_ = id;
    if (line == "later") return;
    server_->reply(id, line == "big" ? std::string(100'000, 'b') : "re:" + std::string(line));
  }
  os::UniqueFd client() {
    auto fd = os::connect_to(path_);
    EXPECT_TRUE(fd);
    ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    server_->serve(now_ns_);
    return std::move(*fd);
  }
  void send(const os::UniqueFd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    server_->serve(now_ns_);
  }
  // All there is to read now; "<end>" where the server has closed.
  static std::string read(const os::UniqueFd& fd) {
    std::string text;
    std::array<char, 65536> chunk;
    for (;;) {
      const ssize_t got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
      // What it was sent and did not read makes a close a reset.
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return text + "<end>";
      if (got < 0) return text;
      text.append(chunk.data(), static_cast<size_t>(got));
    }
  }

  std::string directory_ = std::filesystem::temp_directory_path() / fmt::format("gp-control-{}", ::getpid());
  std::string path_ = directory_ + "/control.sock";
  std::unique_ptr<ControlServer> server_;
  uint64_t now_ns_ = 1'000'000'000;
  int requests_ = 0;
  int gone_ = 0;
  ClientId last_ = 0;
};

TEST_F(ControlServerTest, AnswersLineByLine) {
  const auto fd = client();
  send(fd, "one\ntwo\nthr");
  server_->serve(now_ns_);
  EXPECT_EQ(read(fd), "re:one\nre:two\n");
  send(fd, "ee\n");
  EXPECT_EQ(read(fd), "re:three\n");
}

TEST_F(ControlServerTest, AnswersWhoSendsNoMoreAndThenLetsGo) {
  const auto fd = client();
  ASSERT_EQ(::send(fd.get(), "one\n", 4, 0), 4);
  ::shutdown(fd.get(), SHUT_WR);
  for (int i = 0; i < 3; ++i) server_->serve(now_ns_);
  EXPECT_EQ(read(fd), "re:one\n<end>");
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlServerTest, RepliesLaterInOrder) {
  const auto fd = client();
  send(fd, "later\nafter\n");
  server_->serve(now_ns_);
  EXPECT_EQ(requests_, 1);
  server_->reply(last_, "done");
  server_->serve(now_ns_);
  server_->serve(now_ns_);
  EXPECT_EQ(read(fd), "done\nre:after\n");
}

TEST_F(ControlServerTest, AnEndlessLineIsRefused) {
  const auto fd = client();
  const std::string part(30'000, 'x');
  send(fd, part);
  send(fd, part);
  EXPECT_EQ(read(fd), "");
  send(fd, part);
  server_->serve(now_ns_);
  EXPECT_THAT(read(fd), testing::AllOf(HasSubstr("64 KiB"), HasSubstr("<end>")));
  EXPECT_EQ(requests_, 0);
}

TEST_F(ControlServerTest, ManyClientsAreRefusedAndTheRestServed) {
  std::vector<os::UniqueFd> clients;
  clients.reserve(100);
  for (int i = 0; i < 100; ++i) clients.push_back(client());
  EXPECT_EQ(server_->clients(), ControlServer::kMaxClients);
  EXPECT_THAT(read(clients[99]), HasSubstr("too many clients"));
  send(clients[0], "still there\n");
  EXPECT_EQ(read(clients[0]), "re:still there\n");
  clients.clear();
  server_->serve(now_ns_);
  EXPECT_EQ(server_->clients(), 0U);
  EXPECT_EQ(static_cast<size_t>(gone_), ControlServer::kMaxClients);
}

TEST_F(ControlServerTest, IdleClientsAreDroppedButForThoseThatWait) {
  const auto idle = client();
  const auto waiting = client();
  send(waiting, "later\n");
  const auto kept = client();
  send(kept, "x\n");
  server_->keep(last_, true);
  now_ns_ += ControlServer::kIdleNs + 1;
  server_->serve(now_ns_);
  EXPECT_EQ(read(idle), "<end>");
  EXPECT_EQ(read(waiting), "");
  EXPECT_EQ(read(kept), "re:x\n");
  EXPECT_EQ(server_->clients(), 2U);
}

TEST_F(ControlServerTest, ASlowReaderIsDropped) {
  const auto slow = client();
  for (int i = 0; i < 20; ++i) {
    ::send(slow.get(), "big\n", 4, MSG_NOSIGNAL);
    server_->serve(now_ns_);
  }
  EXPECT_EQ(server_->clients(), 0U) << "more than 1 MiB waits to be read";
  const auto other = client();
  for (int i = 0; i < 6; ++i) {
    ::send(other.get(), "big\n", 4, MSG_NOSIGNAL);
    server_->serve(now_ns_);
  }
  EXPECT_EQ(server_->clients(), 1U);
  now_ns_ += ControlServer::kIdleNs + 1;
  server_->serve(now_ns_);
  EXPECT_EQ(server_->clients(), 0U) << "it read nothing for half a minute";
}

TEST_F(ControlServerTest, AReplyToAClientThatHasGoneIsNobodys) {
  {
    const auto fd = client();
    send(fd, "later\n");
  }
  server_->serve(now_ns_);
  EXPECT_EQ(gone_, 1);
  server_->reply(last_, "too late");
}

TEST_F(ControlServerTest, TheSocketGoesWithTheServer) {
  EXPECT_TRUE(std::filesystem::exists(path_));
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace gp::app
