// SPDX-License-Identifier: MIT
//
// What the facts are made with: descriptors that close themselves, connected pairs, epoll sets.
// Everything in here is plain libc, so that it means the same on both arms.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "fact.h"

namespace conformance {

// Longer than anything that is on its way takes to arrive.
void settle();
void sleep_ms(long milliseconds);
int64_t now_ns(clockid_t clock);

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  operator int() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }
  // The number, no longer closed by this object.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// --- Readiness.

inline constexpr short kAllPollBits = POLLIN | POLLPRI | POLLOUT | POLLRDHUP;
// What poll() says now.
Ready ready(int fd, short events = kAllPollBits);
// Waits until one of `events` holds; false when it does not within ten seconds.
bool becomes(int fd, short events);

class Epoll {
 public:
  Epoll();
  operator int() const { return fd_; }
  int add(int fd, uint32_t events, uint64_t tag = 0) {
    return control(EPOLL_CTL_ADD, fd, events, tag);
  }
  int modify(int fd, uint32_t events, uint64_t tag = 0) {
    return control(EPOLL_CTL_MOD, fd, events, tag);
  }
  int remove(int fd) { return epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr); }
  EventList wait(int timeout_ms = 0, int events_max = 16);
  int close() { return fd_.close(); }

 private:
  int control(int operation, int fd, uint32_t events, uint64_t tag);
  Fd fd_;
};

// --- Sockets.

struct Address {
  sockaddr_in in{};
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&in); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&in); }
  static constexpr socklen_t kSize = sizeof(sockaddr_in);
};
Address loopback(uint16_t port);
Address any_address(uint16_t port);

int connect_to(int fd, uint16_t port);
int bind_to(int fd, uint16_t port);
uint16_t local_port(int fd);
uint16_t peer_port(int fd);

int set_option(int fd, int level, int name, int value);
int get_option(int fd, int level, int name);
ErrorCode socket_error(int fd);  // SO_ERROR, which clears it

Fd tcp_socket(int flags = SOCK_NONBLOCK);
Fd udp_socket(int flags = SOCK_NONBLOCK);

struct Listener {
  explicit Listener(int backlog = 16, int flags = SOCK_NONBLOCK);
  operator int() const { return fd; }
  Fd fd;
  uint16_t port;
};

// A connect that was begun and has settled.
Fd dial(uint16_t port);
// The next connection of the queue, non-blocking.
Fd accept_from(int listener);

// A connected pair, non-blocking on both ends, without Nagle's delay.
struct TcpPair {
  TcpPair();
  Listener listener;
  Fd client, server;
};

// Two bound sockets, non-blocking; `a` is connected to `b` if so wished.
struct UdpPair {
  explicit UdpPair(bool connected = false);
  ssize_t send_to_b(size_t count, int flags = 0);
  Fd a, b;
};
// A port that was bound a moment ago and is not now.
uint16_t free_udp_port();
// `count` bytes to a port of this host.
ssize_t send_to(int fd, uint16_t port, size_t count, int flags = 0);

struct UnixPair {
  explicit UnixPair(int type = SOCK_STREAM);
  Fd a, b;
};

struct Pipe {
  explicit Pipe(int flags = O_NONBLOCK);
  Fd reader, writer;
};

// A port that is taken and on which nobody listens.
struct DeadPort {
  DeadPort();
  Fd fd;
  uint16_t port;
};

// close() with SO_LINGER {on, 0}: a reset.
int abort_connection(Fd& fd);
int set_linger(int fd, int on, int seconds);

// `count` bytes; flags may be given; never raises SIGPIPE on sockets.
ssize_t transmit(int fd, size_t count, int flags = 0);
ssize_t receive(int fd, size_t count, int flags = 0);
// Reads until it fails or ends; how many bytes came.
size_t drain(int fd);
// Sends until EAGAIN, again and again, until nothing more fits though everything has settled.
size_t fill_up(int fd);
int bytes_queued(int fd);  // FIONREAD

// --- eventfd.

Fd event_fd(unsigned value = 0, int flags = -1);
ssize_t add_to(int event_fd, uint64_t value);
// The value read, or -1.
long take_from(int event_fd);

}  // namespace conformance
