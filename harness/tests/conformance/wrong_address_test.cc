// SPDX-License-Identifier: MIT
//
// Addresses where nothing is, or nothing that may be read: EFAULT, and nothing else has happened.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>

#include "toolbox.h"

namespace conformance {
namespace {

// A page in the middle of a hole of nothing, as after free or munmap; or one that nobody may read.
class Nowhere {
 public:
  static constexpr size_t kSize = 1 << 20;
  explicit Nowhere(bool is_there) {
    base_ = mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    at = static_cast<char*>(base_) + kSize / 2;
    if (!is_there) munmap(at - 4096, 3 * 4096);
  }
  ~Nowhere() { munmap(base_, kSize); }
  Nowhere(const Nowhere&) = delete;
  Nowhere& operator=(const Nowhere&) = delete;
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(at);
  }
  char* at;

 private:
  void* base_;
};

void transfers(const Nowhere& nowhere) {
  Pipe pipe;
  FACT(write(pipe.writer, nowhere.at, 3), FailsWith(EFAULT));
  FACT(write(pipe.writer, "abc", 3), Succeeds(3));
  FACT(read(pipe.reader, nowhere.at, 3), FailsWith(EFAULT));
  char byte;
  FACT(read(pipe.reader, &byte, 1), Succeeds(1));
  UdpPair udp(true);
  FACT(send(udp.a, nowhere.at, 3, 0), FailsWith(EFAULT));
  Fd counter(eventfd(1, EFD_NONBLOCK));
  FACT(read(counter, nowhere.at, 8), FailsWith(EFAULT));
  FACT(write(counter, nowhere.at, 8), FailsWith(EFAULT));
  TcpPair tcp;
  FACT(send(tcp.client, nowhere.at, 3, 0), FailsWith(EFAULT));
  FACT(writev(tcp.client, nowhere.as<iovec>(), 1), FailsWith(EFAULT));
  FACT(sendmsg(tcp.client, nowhere.as<msghdr>(), 0), FailsWith(EFAULT));
  FACT(recvmsg(tcp.client, nowhere.as<msghdr>(), MSG_DONTWAIT), FailsWith(EFAULT));
}

void names_and_options(const Nowhere& nowhere) {
  Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  socklen_t length = sizeof(sockaddr_in);
  FACT(bind(socket, nowhere.as<sockaddr>(), length), FailsWith(EFAULT));
  FACT(connect(socket, nowhere.as<sockaddr>(), length), FailsWith(EFAULT));
  FACT(getsockname(socket, nowhere.as<sockaddr>(), &length), FailsWith(EFAULT));
#ifndef __SANITIZE_ADDRESS__  // which reads the length itself
  sockaddr_in name;
  FACT(getsockname(socket, reinterpret_cast<sockaddr*>(&name), nowhere.as<socklen_t>()),
       FailsWith(EFAULT));
#endif
  FACT(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, nowhere.at, 4), FailsWith(EFAULT));
  length = 4;
  FACT(getsockopt(socket, SOL_SOCKET, SO_ERROR, nowhere.at, &length), FailsWith(EFAULT));
}

void waiting(const Nowhere& nowhere) {
  Fd set(epoll_create1(0));
  Fd counter(eventfd(1, EFD_NONBLOCK));
  FACT(epoll_ctl(set, EPOLL_CTL_ADD, counter, nowhere.as<epoll_event>()), FailsWith(EFAULT));
  epoll_event event{EPOLLIN, {}};
  epoll_ctl(set, EPOLL_CTL_ADD, counter, &event);
  FACT(epoll_wait(set, nowhere.as<epoll_event>(), 1, 0), FailsWith(EFAULT));
  FACT(poll(nowhere.as<pollfd>(), 1, 0), FailsWith(EFAULT));
  Fd timer(timerfd_create(CLOCK_MONOTONIC, 0));
  FACT(timerfd_settime(timer, 0, nowhere.as<itimerspec>(), nullptr), FailsWith(EFAULT));
  FACT(nanosleep(nowhere.as<timespec>(), nullptr), FailsWith(EFAULT));
  FACT(pipe(nowhere.as<int>()), FailsWith(EFAULT));
}

CONFORMANCE(WrongAddress, TransfersFromNowhere) { transfers(Nowhere(false)); }
CONFORMANCE(WrongAddress, TransfersWhereNobodyMayRead) { transfers(Nowhere(true)); }
CONFORMANCE(WrongAddress, NamesAndOptionsFromNowhere) { names_and_options(Nowhere(false)); }
CONFORMANCE(WrongAddress, WaitingFromNowhere) { waiting(Nowhere(false)); }

}  // namespace
}  // namespace conformance
