// SPDX-License-Identifier: MIT
#include "toolbox.h"

#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace conformance {

void sleep_ms(long milliseconds) {
  timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void settle() { sleep_ms(20); }

int64_t now_ns(clockid_t clock) {
  timespec now{};
  must(clock_gettime(clock, &now), "clock_gettime");
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

Ready ready(int fd, short events) {
  pollfd entry{fd, events, 0};
  must(poll(&entry, 1, 0), "poll");
  return {static_cast<uint16_t>(entry.revents)};
}

bool becomes(int fd, short events) {
  pollfd entry{fd, events, 0};
  return poll(&entry, 1, 10'000) == 1 && (entry.revents & events) != 0;
}

Epoll::Epoll() : fd_(static_cast<int>(must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"))) {}

int Epoll::control(int operation, int fd, uint32_t events, uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(fd_, operation, fd, &event);
}

EventList Epoll::wait(int timeout_ms, int events_max) {
  std::vector<epoll_event> events(16);
  EventList list{};
  list.result = epoll_wait(fd_, events.data(), events_max, timeout_ms);
  list.error = errno;
  for (long i = 0; i < list.result; i++) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    list.events.push_back({event.data.u64, event.events});
  }
  return list;
}

Address loopback(uint16_t port) {
  Address address;
  address.in.sin_family = AF_INET;
  address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.in.sin_port = htons(port);
  return address;
}

Address any_address(uint16_t port) {
  Address address = loopback(port);
  address.in.sin_addr.s_addr = htonl(INADDR_ANY);
  return address;
}

int connect_to(int fd, uint16_t port) { return connect(fd, loopback(port).get(), Address::kSize); }

int bind_to(int fd, uint16_t port) { return bind(fd, loopback(port).get(), Address::kSize); }

uint16_t local_port(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  must(getsockname(fd, address.get(), &size), "getsockname");
  return ntohs(address.in.sin_port);
}

uint16_t peer_port(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  must(getpeername(fd, address.get(), &size), "getpeername");
  return ntohs(address.in.sin_port);
}

int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

int get_option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

ErrorCode socket_error(int fd) { return {get_option(fd, SOL_SOCKET, SO_ERROR)}; }

Fd tcp_socket(int flags) {
  return Fd(static_cast<int>(must(socket(AF_INET, SOCK_STREAM | flags, 0), "socket")));
}

Fd udp_socket(int flags) {
  return Fd(static_cast<int>(must(socket(AF_INET, SOCK_DGRAM | flags, 0), "socket")));
}

Listener::Listener(int backlog, int flags) : fd(tcp_socket(flags)) {
  must(bind_to(fd, 0), "bind");
  must(listen(fd, backlog), "listen");
  port = local_port(fd);
}

Fd dial(uint16_t port) {
  Fd fd = tcp_socket();
  must(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), "TCP_NODELAY");
  if (connect_to(fd, port) != 0 && errno != EINPROGRESS) must(-1, "connect");
  settle();
  return fd;
}

Fd accept_from(int listener) {
  return Fd(static_cast<int>(must(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK), "accept4")));
}

TcpPair::TcpPair() : client(dial(listener.port)), server(accept_from(listener)) {
  must(set_option(server, IPPROTO_TCP, TCP_NODELAY, 1), "TCP_NODELAY");
}

UdpPair::UdpPair(bool connected) : a(udp_socket()), b(udp_socket()) {
  must(bind_to(a, 0), "bind");
  must(bind_to(b, 0), "bind");
  if (connected) must(connect_to(a, local_port(b)), "connect");
}

ssize_t UdpPair::send_to_b(size_t count, int flags) {
  return send_to(a, local_port(b), count, flags);
}

uint16_t free_udp_port() {
  Fd probe = udp_socket();
  must(bind_to(probe, 0), "bind");
  return local_port(probe);
}

ssize_t send_to(int fd, uint16_t port, size_t count, int flags) {
  std::vector<char> bytes(count, 'x');
  Address to = loopback(port);
  return sendto(fd, bytes.data(), count, MSG_NOSIGNAL | flags, to.get(), Address::kSize);
}

UnixPair::UnixPair(int type) {
  int ends[2];
  must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends), "socketpair");
  a = Fd(ends[0]);
  b = Fd(ends[1]);
}

Pipe::Pipe(int flags) {
  int ends[2];
  must(pipe2(ends, flags), "pipe2");
  reader = Fd(ends[0]);
  writer = Fd(ends[1]);
}

DeadPort::DeadPort() : fd(tcp_socket()) {
  must(bind_to(fd, 0), "bind");
  port = local_port(fd);
}

int set_linger(int fd, int on, int seconds) {
  linger value{on, seconds};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value);
}

int abort_connection(Fd& fd) {
  must(set_linger(fd, 1, 0), "SO_LINGER");
  return fd.close();
}

ssize_t transmit(int fd, size_t count, int flags) {
  std::vector<char> bytes(count, 'x');
  return send(fd, bytes.data(), count, MSG_NOSIGNAL | flags);
}

ssize_t receive(int fd, size_t count, int flags) {
  std::vector<char> bytes(count);
  return recv(fd, bytes.data(), count, flags);
}

size_t drain(int fd) {
  std::vector<char> bytes(65536);
  size_t total = 0;
  for (;;) {
    ssize_t got = read(fd, bytes.data(), bytes.size());
    if (got <= 0) return total;
    total += static_cast<size_t>(got);
  }
}

size_t fill_up(int fd) {
  std::vector<char> bytes(65536, 'x');
  size_t total = 0;
  for (;;) {
    size_t before = total;
    for (;;) {
      ssize_t put = write(fd, bytes.data(), bytes.size());
      if (put < 0) break;
      total += static_cast<size_t>(put);
    }
    if (errno != EAGAIN) must(-1, "fill_up");
    if (total == before) return total;
    settle();
  }
}

int bytes_queued(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

Fd event_fd(unsigned value, int flags) {
  return Fd(static_cast<int>(must(eventfd(value, flags < 0 ? EFD_NONBLOCK : flags), "eventfd")));
}

ssize_t add_to(int event_fd, uint64_t value) { return write(event_fd, &value, sizeof value); }

long take_from(int event_fd) {
  uint64_t value = 0;
  return read(event_fd, &value, sizeof value) == sizeof value ? static_cast<long>(value) : -1;
}

}  // namespace conformance
