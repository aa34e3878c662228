// SPDX-License-Identifier: MIT
//
// Outside of a run the shim is the real kernel.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

namespace pollux::shim {
namespace {

TEST(PassThroughTest, BytesGoThroughASocketPair) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  char buffer[16] = {};
  EXPECT_EQ(recv(ends[1], buffer, sizeof buffer, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(send(ends[0], "hello", 5, MSG_NOSIGNAL), 5);
  iovec pieces[2] = {{buffer, 2}, {buffer + 2, 14}};
  EXPECT_EQ(readv(ends[1], pieces, 2), 5);
  EXPECT_STREQ(buffer, "hello");
  int type = 0;
  socklen_t length = sizeof type;
  EXPECT_EQ(getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &type, &length), 0);
  EXPECT_EQ(type, SOCK_STREAM);
  EXPECT_EQ(shutdown(ends[0], SHUT_WR), 0);
  EXPECT_EQ(read(ends[1], buffer, sizeof buffer), 0);
  EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(close(ends[0]), 0);
  EXPECT_EQ(close(ends[0]), -1);
  EXPECT_EQ(errno, EBADF);
  close(ends[1]);
}

TEST(PassThroughTest, AllWaysOfWaitingSeeAPipe) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  pollfd polled = {ends[0], POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, -1), 1);
  EXPECT_EQ(polled.revents, POLLIN);
  timespec second = {1, 0};
  EXPECT_EQ(ppoll(&polled, 1, &second, nullptr), 1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  timeval timeout = {1, 0};
  EXPECT_EQ(select(ends[0] + 1, &set, nullptr, nullptr, &timeout), 1);
  EXPECT_TRUE(FD_ISSET(ends[0], &set));
  EXPECT_EQ(pselect(ends[0] + 1, &set, nullptr, nullptr, &second, nullptr), 1);
  int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = 7;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), 0);
  epoll_event got = {};
  EXPECT_EQ(epoll_wait(epoll, &got, 1, -1), 1);
  EXPECT_EQ(got.data.fd, 7);
  EXPECT_EQ(epoll_pwait(epoll, &got, 1, 1000, nullptr), 1);
  EXPECT_EQ(epoll_pwait2(epoll, &got, 1, &second, nullptr), 1);
  for (int fd : {epoll, ends[0], ends[1]}) close(fd);
}

TEST(PassThroughTest, TimersAndEventsFire) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  itimerspec soon = {};
  soon.it_value.tv_nsec = 1000;
  ASSERT_EQ(timerfd_settime(timer, 0, &soon, nullptr), 0);
  uint64_t ticks = 0;
  EXPECT_EQ(read(timer, &ticks, sizeof ticks), 8);
  EXPECT_EQ(ticks, 1u);
  int event = eventfd(0, EFD_CLOEXEC);
  EXPECT_EQ(eventfd_write(event, 5), 0);
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(event, &value), 0);
  EXPECT_EQ(value, 5u);
  close(timer);
  close(event);
}

TEST(PassThroughTest, FilesOpenWithTheirMode) {
  std::string path = testing::TempDir() + "pollux_shim_mode";
  unlink(path.c_str());
  mode_t old = umask(0);
  int fd = open(path.c_str(), O_CREAT | O_RDWR, 0640);
  umask(old);
  ASSERT_GE(fd, 0);
  struct stat status;
  ASSERT_EQ(fstat(fd, &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(pwrite(fd, "abc", 3, 2), 3);
  EXPECT_EQ(lseek(fd, 0, SEEK_END), 5);
  char text[4] = {};
  EXPECT_EQ(pread64(fd, text, 3, 2), 3);
  EXPECT_STREQ(text, "abc");
  iovec piece = {text, 2};
  EXPECT_EQ(preadv(fd, &piece, 1, 3), 2);
  EXPECT_EQ(text[0], 'b');
  int copy = dup2(fd, fd);
  EXPECT_EQ(copy, fd);
  EXPECT_FALSE(isatty(fd));
  close(fd);
  EXPECT_EQ(dup2(fd, fd), -1);
  EXPECT_EQ(errno, EBADF);
  unlink(path.c_str());
}

TEST(PassThroughTest, ClocksRun) {
  timespec direct, through;
  ASSERT_EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &direct), 0);
  ASSERT_EQ(clock_gettime(CLOCK_MONOTONIC, &through), 0);
  EXPECT_GE(through.tv_sec * 1'000'000'000 + through.tv_nsec,
            direct.tv_sec * 1'000'000'000 + direct.tv_nsec);
  EXPECT_EQ(clock_gettime(static_cast<clockid_t>(99), &through), -1);
  EXPECT_EQ(errno, EINVAL);
  auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(usleep(1000), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(1));
  EXPECT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &direct, nullptr), EINVAL);
  EXPECT_EQ(gettid(), getpid());
}

TEST(PassThroughTest, TheMachineIsTheRealOne) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_GE(CPU_COUNT(&set), 1);
  EXPECT_TRUE(sched_getcpu() >= 0 && CPU_ISSET(sched_getcpu(), &set));
  EXPECT_GE(get_nprocs(), CPU_COUNT(&set));
  EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), get_nprocs());
  EXPECT_GE(get_nprocs_conf(), get_nprocs());
}

}  // namespace
}  // namespace pollux::shim
