// SPDX-License-Identifier: MIT
// bench_echo_client PORT CONNS SIZE SECONDS: CONNS connections to an echo server on this machine,
// each with one message of SIZE bytes under way at a time. After a warm-up it measures for SECONDS
// and prints, one figure a line,
//   round_trips_per_second <value> 1/s
//   p50 <value> us                        from before the send until the whole answer was read
//   p99 <value> us
//   round_trips <value> 1                 with the warm-up
//   server_cpu_per_round_trip <value> us
// The last is the CPU time (user and system, all threads) that the server process spent, by the
// scheduler's own accounting in /proc/PID/task/*/schedstat. The server is the process that holds
// the listening socket; the line is left out if that cannot be read.
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "arguments.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void for_each_entry(const std::string& path, const std::function<void(const char*)>& f) {
  DIR* dir = opendir(path.c_str());
  if (!dir) return;
  while (const dirent* e = readdir(dir)) {
    if (e->d_name[0] != '.') f(e->d_name);
  }
  closedir(dir);
}

// The inode of the socket that listens on the port; 0 if there is none.
unsigned long listener_inode(int port) {
  FILE* f = std::fopen("/proc/net/tcp", "r");
  if (!f) return 0;
  char line[512];
  unsigned long found = 0;
  while (std::fgets(line, sizeof line, f)) {
    unsigned local_port = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    constexpr unsigned state_listen = 0x0A;
    if (std::sscanf(line, " %*d: %*8x:%x %*8x:%*x %x %*x:%*x %*x:%*x %*x %*d %*d %lu", &local_port,
                    &state, &inode) == 3 &&
        state == state_listen && local_port == static_cast<unsigned>(port)) {
      found = inode;
    }
  }
  std::fclose(f);
  return found;
}

std::string process_with_socket(unsigned long inode) {
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  std::string found;
  for_each_entry("/proc", [&](const char* pid) {
    if (pid[0] < '0' || pid[0] > '9') return;
    const std::string fds = std::string("/proc/") + pid + "/fd";
    for_each_entry(fds, [&](const char* fd) {
      char target[64];
      const ssize_t n = readlink((fds + "/" + fd).c_str(), target, sizeof target);
      if (n > 0 && std::string(target, static_cast<size_t>(n)) == wanted) found = pid;
    });
  });
  return found;
}

// Nanoseconds on a CPU, over all threads of the process.
uint64_t cpu_ns(const std::string& pid) {
  uint64_t sum = 0;
  const std::string tasks = "/proc/" + pid + "/task";
  for_each_entry(tasks, [&](const char* tid) {
    FILE* f = std::fopen((tasks + "/" + tid + "/schedstat").c_str(), "r");
    if (!f) return;
    unsigned long long ns = 0;
    if (std::fscanf(f, "%llu", &ns) == 1) sum += ns;
    std::fclose(f);
  });
  return sum;
}

struct Connection {
  int fd;
  size_t received = 0;
  Clock::time_point sent{};
};

// Latencies in buckets of about 3 %: five bits below the leading one.
class Latencies {
 public:
  void add(std::chrono::nanoseconds d) {
    counts_[bucket(static_cast<uint64_t>(std::max<int64_t>(d.count(), 1)))]++;
    n_++;
  }
  void clear() { *this = {}; }

  double microseconds_at(double quantile) const {
    uint64_t left = static_cast<uint64_t>(static_cast<double>(n_) * quantile);
    size_t i = 0;
    for (; i + 1 < counts_.size() && left >= counts_[i]; i++) left -= counts_[i];
    return static_cast<double>(lowest(i)) / 1e3;
  }

 private:
  static constexpr unsigned kBits = 5;
  static size_t bucket(uint64_t ns) {
    const unsigned width = static_cast<unsigned>(std::bit_width(ns));
    if (width <= kBits) return ns;
    const unsigned shift = width - kBits - 1;
    return (size_t{shift} << kBits) + (ns >> shift);
  }
  static uint64_t lowest(size_t bucket) {
    const size_t shift = bucket >> kBits;
    return shift < 2 ? bucket : (bucket - ((shift - 1) << kBits)) << (shift - 1);
  }

  std::array<uint64_t, 64 << kBits> counts_{};
  uint64_t n_ = 0;
};

class Client {
 public:
  Client(int port, int connections, int size) : message_(size, 'x'), buf_(size) {
    epfd_ = epoll_create1(EPOLL_CLOEXEC);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connections_.reserve(connections);
    for (int i = 0; i < connections; i++) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd < 0) die("socket");
      if (connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) die("connect");
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_.push_back({fd});
      epoll_event ev{};
      ev.events = EPOLLIN;
      ev.data.ptr = &connections_.back();
      if (epoll_ctl(epfd_, EPOLL_CTL_ADD, fd, &ev) != 0) die("epoll_ctl");
      send_message(connections_.back());
    }
  }

  // Round trips completed in about so many seconds.
  uint64_t run_for(double seconds) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    uint64_t trips = 0;
    latencies_.clear();
    epoll_event events[128];
    while (Clock::now() < end) {
      const int n = epoll_wait(epfd_, events, 128, 1000);
      for (int i = 0; i < n; i++) trips += receive(*static_cast<Connection*>(events[i].data.ptr));
    }
    return trips;
  }

  const Latencies& latencies() const { return latencies_; }

 private:
  // Blocking: the message fits into the socket's buffer or the server reads it.
  void send_message(Connection& c) {
    size_t done = 0;
    c.sent = Clock::now();
    while (done < message_.size()) {
      const ssize_t n = send(c.fd, message_.data() + done, message_.size() - done, MSG_NOSIGNAL);
      if (n < 0) die("send");
      done += static_cast<size_t>(n);
    }
  }

  int receive(Connection& c) {
    const ssize_t n = recv(c.fd, buf_.data(), message_.size() - c.received, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n < 0) die("recv");
    if (n == 0) {
      std::fprintf(stderr, "bench_echo_client: the server closed a connection\n");
      std::exit(1);
    }
    c.received += static_cast<size_t>(n);
    if (c.received < message_.size()) return 0;
    c.received = 0;
    latencies_.add(Clock::now() - c.sent);
    send_message(c);
    return 1;
  }

  const std::string message_;
  std::vector<char> buf_;
  Latencies latencies_;
  std::vector<Connection> connections_;
  int epfd_;
};

}  // namespace

int main(int argc, char** argv) {
  const char* usage = "bench_echo_client PORT CONNS SIZE SECONDS";
  const int port = bench::number(argc, argv, 1, 1, 65535, bench::required, usage);
  const int connections = bench::number(argc, argv, 2, 1, 20000, bench::required, usage);
  const int size = bench::number(argc, argv, 3, 1, 1 << 16, bench::required, usage);
  const int seconds = bench::number(argc, argv, 4, 1, 3600, bench::required, usage);

  Client client(port, connections, size);
  const uint64_t warm_up = client.run_for(0.3);
  const std::string server = process_with_socket(listener_inode(port));
  const uint64_t cpu_before = server.empty() ? 0 : cpu_ns(server);
  const auto start = Clock::now();
  const uint64_t trips = client.run_for(seconds);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  const uint64_t cpu = server.empty() ? 0 : cpu_ns(server) - cpu_before;
  std::printf("round_trips_per_second %.0f 1/s\n", static_cast<double>(trips) / elapsed);
  std::printf("p50 %.1f us\n", client.latencies().microseconds_at(0.5));
  std::printf("p99 %.1f us\n", client.latencies().microseconds_at(0.99));
  std::printf("round_trips %llu 1\n", static_cast<unsigned long long>(warm_up + trips));
  if (cpu > 0 && trips > 0) {
    std::printf("server_cpu_per_round_trip %.3f us\n",
                static_cast<double>(cpu) / 1e3 / static_cast<double>(trips));
  }
}
