// SPDX-License-Identifier: MIT
//
// Points that a user enables by hand fail on the real kernel.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fiu-control.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "fake_backend.h"
#include "pollux/faults/catalogue.h"
#include "pollux/shim/window.h"

namespace pollux::shim {
namespace {

// While alive, the point fails whenever it is asked.
class Enabled {
 public:
  explicit Enabled(faults::PointId id) : name_(faults::points()[id].name.data()) {
    faults::arm_for_manual_control();
    EXPECT_EQ(fiu_enable(name_, 1, nullptr, 0), 0);
  }
  ~Enabled() {
    fiu_disable(name_);
    faults::disarm_all();
  }

 private:
  const char* name_;
};

class RealFaultsTest : public testing::Test {
 protected:
  RealFaultsTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    EXPECT_EQ(write(ends_[0], "0123456789", 10), 10);
  }
  ~RealFaultsTest() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  int ends_[2];
  char buffer_[16] = {};
};

TEST_F(RealFaultsTest, ReadSaysEagainWithDataPresent) {
  Enabled point(faults::k_posix_io_rw_read_eagain_lie);
  EXPECT_EQ(recv(ends_[1], buffer_, sizeof buffer_, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  fcntl(ends_[1], F_SETFL, 0);  // a blocking read never says so
  EXPECT_EQ(read(ends_[1], buffer_, sizeof buffer_), 10);
}

TEST_F(RealFaultsTest, InterruptedReadConsumesNothing) {
  {
    Enabled point(faults::k_posix_io_rw_read_eintr);
    EXPECT_EQ(read(ends_[1], buffer_, sizeof buffer_), -1);
    EXPECT_EQ(errno, EINTR);
  }
  EXPECT_EQ(read(ends_[1], buffer_, sizeof buffer_), 10);
}

TEST_F(RealFaultsTest, ShortTransfersMoveAboutHalf) {
  {
    Enabled point(faults::k_posix_io_rw_read_short_lie);
    EXPECT_EQ(read(ends_[1], buffer_, 4), 2);
    iovec pieces[2] = {{buffer_ + 2, 3}, {buffer_ + 5, 3}};
    EXPECT_EQ(readv(ends_[1], pieces, 2), 3);
    msghdr message = {};
    message.msg_iov = pieces;
    message.msg_iovlen = 1;
    pieces[0] = {buffer_ + 5, 4};
    EXPECT_EQ(recvmsg(ends_[1], &message, 0), 2);
    EXPECT_EQ(pieces[0].iov_len, 4u) << "the caller's vector is its own";
  }
  EXPECT_EQ(read(ends_[1], buffer_ + 7, sizeof buffer_ - 7), 3);
  EXPECT_STREQ(buffer_, "0123456789");
  Enabled point(faults::k_posix_io_rw_write_short_lie);
  EXPECT_EQ(send(ends_[0], "abcd", 4, 0), 2);
  EXPECT_EQ(write(ends_[0], "e", 1), 1) << "one byte can not be short";
}

TEST_F(RealFaultsTest, RegularFilesAreLeftAlone) {
  Enabled point(faults::k_posix_io_rw_read_eintr_lie);
  int fd = open("/proc/self/exe", O_RDONLY);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(read(fd, buffer_, 4), 4);
  close(fd);
}

TEST_F(RealFaultsTest, LegalPointsThatNeedTheTwinDoNothingHere) {
  Enabled point(faults::k_posix_io_rw_read_eagain);
  EXPECT_EQ(read(ends_[1], buffer_, sizeof buffer_), 10);
}

TEST_F(RealFaultsTest, EpollWaitIsInterruptedOnlyWhereItWouldBlock) {
  int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ends_[1], &event), 0);
  Enabled point(faults::k_linux_io_epoll_wait_eintr);
  EXPECT_EQ(epoll_wait(epoll, &event, 1, -1), 1) << "something is ready";
  ASSERT_EQ(read(ends_[1], buffer_, sizeof buffer_), 10);
  EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 0) << "timeout 0 does not sleep";
  EXPECT_EQ(epoll_wait(epoll, &event, 1, -1), -1);
  EXPECT_EQ(errno, EINTR);
  timespec for_ever = {1000, 0};
  EXPECT_EQ(epoll_pwait2(epoll, &event, 1, &for_ever, nullptr), -1);
  close(epoll);
}

TEST_F(RealFaultsTest, EpollBatchesGetSmallerAndReordered) {
  int epoll = epoll_create1(0);
  int fds[3];
  for (int i = 0; i < 3; ++i) {
    fds[i] = eventfd(1, EFD_NONBLOCK);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = i;
    ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event), 0);
  }
  epoll_event events[3];
  {
    Enabled point(faults::k_linux_io_epoll_reorder);
    ASSERT_EQ(epoll_wait(epoll, events, 3, 0), 3);
    EXPECT_EQ(events[0].data.fd, 2);
    EXPECT_EQ(events[2].data.fd, 0);
  }
  {
    Enabled point(faults::k_linux_io_epoll_partial);
    EXPECT_EQ(epoll_wait(epoll, events, 3, 0), 1);
  }
  {
    Enabled point(faults::k_linux_io_epoll_epollerr_lie);
    ASSERT_EQ(epoll_wait(epoll, events, 3, 0), 3);
    EXPECT_EQ(events[0].events, static_cast<uint32_t>(EPOLLIN | EPOLLERR));
    EXPECT_EQ(events[1].events, static_cast<uint32_t>(EPOLLIN));
  }
  for (int fd : fds) close(fd);
  close(epoll);
}

TEST(RealAcceptTest, AbortedConnectionIsConsumedAndItsPeerSeesAReset) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(listener, name, length), 0);
  ASSERT_EQ(listen(listener, 4), 0);
  ASSERT_EQ(getsockname(listener, name, &length), 0);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, name, length), 0);
  {
    Enabled point(faults::k_posix_io_net_accept4_econnaborted);
    EXPECT_EQ(accept(listener, nullptr, nullptr), -1);
    EXPECT_EQ(errno, ECONNABORTED);
  }
  char byte;
  EXPECT_EQ(read(client, &byte, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(accept(listener, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  close(client);
  close(listener);
}

// Points armed for a run, and the harness's own calls during one, never fail on the real kernel.
TEST_F(RealFaultsTest, ARunsPointsStayInTheRun) {
  faults::set_decider([](faults::PointId) { return true; });
  faults::arm(std::array{faults::k_posix_io_rw_read_eintr});
  EXPECT_EQ(read(ends_[1], buffer_, 5), 5);
  faults::set_decider(nullptr);
  faults::disarm_all();

  Enabled point(faults::k_posix_io_rw_read_eintr);
  pollux_run_carrier = gettid();
  EXPECT_EQ(read(ends_[1], buffer_, 5), 5);
  pollux_run_carrier = 0;
}

}  // namespace
}  // namespace pollux::shim
