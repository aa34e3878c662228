// SPDX-License-Identifier: MIT
// idle_connections [CONNECTIONS] [tcp|unix] [STACK_BYTES]: what a connection costs that does
// nothing.
//
// Each connection is a goroutine that is parked in a read; a process of its own holds the other
// ends, as bare descriptors. Where RLIMIT_NOFILE allows fewer, several processes share the
// connections, and all of them are open at the same time.
//
// Connections come in two steps, and after each one the kernel is asked what is resident
// (/proc/self/smaps_rollup, mincore), not what was asked for: first the accepted connections
// (poll_desc and the objects around the descriptor), then the goroutines (stack and goroutine
// object). The kernel's own memory is what /proc/meminfo says the whole machine gained meanwhile,
// both ends together: a figure of a machine that is quiet.
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "netpoll/channel.h"
#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"

namespace {

constexpr const char* kUsage = "idle_connections [CONNECTIONS] [tcp|unix] [STACK_BYTES]";
constexpr int kSpare = 64;                // descriptors besides the connections
constexpr int kPerSourceAddress = 20000;  // fewer than there are ports to connect from

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// A line "Name:   123 kB" of a file in /proc.
int64_t kilobytes(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::atoll(line.c_str() + name.size() + 1);
  }
  std::fprintf(stderr, "idle_connections: no %s in %s\n", name.c_str(), file);
  std::exit(1);
}

// What one process, or the machine, has; all in bytes.
struct Memory {
  int64_t resident, heap, poll_descs;

  static Memory now(const netpoll::Runtime& runtime) {
    Memory m{};
    m.resident = kilobytes("/proc/self/smaps_rollup", "Rss") * 1024;
    m.heap = static_cast<int64_t>(mallinfo2().uordblks);
    const netpoll::PollDescRegion region = runtime.poll_desc_region();
    const size_t size = region.stride * region.count_max;
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages((size + page - 1) / page);
    if (mincore(reinterpret_cast<void*>(region.base), size, pages.data()) != 0) fail("mincore");
    for (unsigned char in : pages) m.poll_descs += (in & 1) != 0 ? static_cast<int64_t>(page) : 0;
    return m;
  }
};

struct KernelMemory {
  int64_t slab = kilobytes("/proc/meminfo", "Slab") * 1024;
  int64_t page_tables = kilobytes("/proc/meminfo", "PageTables") * 1024;
};

// What the connections of one process cost it.
struct Costs {
  int64_t poll_descs = 0, fd_objects = 0, stacks = 0, goroutines = 0, total = 0;
};

// Opens the other ends, says so, and keeps them until it is killed.
[[noreturn]] void hold_other_ends(int connections, bool tcp, const netpoll::Address& at) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < connections; i++) {
    const int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) fail("socket");
    int r;
    if (tcp) {
      const int on = 1;
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(0x7F000002u + static_cast<uint32_t>(i / kPerSourceAddress));
      if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
          bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) {
        fail("bind");
      }
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(at.port());
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      r = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else {
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      const std::string_view name = at.unix_name();  // "@..."
      std::memcpy(to.sun_path + 1, name.data() + 1, name.size() - 1);
      r = connect(fd, reinterpret_cast<sockaddr*>(&to),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
    }
    if (r != 0) fail("connect");
  }
  for (;;) pause();
}

// How many connections one process may have at most, of those wanted: the limit on descriptors,
// raised as far as it goes.
int within_limits(int wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(wanted + kSpare);
  for (const rlim_t most : {std::max(needed, limit.rlim_max), limit.rlim_max}) {
    const rlimit more{std::min(needed, most), most};
    if (limit.rlim_cur >= needed || setrlimit(RLIMIT_NOFILE, &more) == 0) break;
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min(needed, limit.rlim_cur)) - kSpare;
}

void figure(const char* name, int64_t bytes, int connections) {
  std::printf("%-32s %10.1f bytes/connection\n", name,
              static_cast<double>(bytes) / static_cast<double>(connections));
}

void report(const Costs& costs, const KernelMemory& before, int connections) {
  const KernelMemory after;
  figure("poll_desc", costs.poll_descs, connections);
  figure("fd_objects", costs.fd_objects, connections);
  figure("goroutine_stack", costs.stacks, connections);
  figure("goroutine_object", costs.goroutines, connections);
  figure("process_total", costs.total, connections);
  figure("kernel_sockets_both_ends", after.slab - before.slab, connections);
  figure("kernel_page_tables", after.page_tables - before.page_tables, connections);
}

template <class Listener>
auto accept_all(Listener& listener, int connections) {
  std::vector<decltype(listener.accept().value)> all;
  all.reserve(static_cast<size_t>(connections));
  while (static_cast<int>(all.size()) < connections) {
    auto [c, err] = listener.accept();
    if (err) {
      std::fprintf(stderr, "idle_connections: %s\n", err.message().c_str());
      std::exit(1);
    }
    all.push_back(c);
  }
  return all;
}

// Writes the costs to `out` when all connections are idle, and keeps them until it is killed.
template <class Listener>
void serve(netpoll::Runtime& runtime, Listener listener, int connections, bool tcp, int out) {
  const Memory start = Memory::now(runtime);
  if (fork() == 0) hold_other_ends(connections, tcp, listener.addr());
  auto all = accept_all(listener, connections);
  const Memory accepted = Memory::now(runtime);
  for (auto& c : all) {
    netpoll::go([&c] {
      char byte;
      (void)c.read(&byte, 1);
    });
  }
  while (runtime.counters().netpoll_waiters != static_cast<uint32_t>(connections)) {
    netpoll::yield();
  }
  const Memory parked = Memory::now(runtime);
  Costs costs;
  costs.poll_descs = accepted.poll_descs - start.poll_descs;
  costs.fd_objects = accepted.resident - start.resident - costs.poll_descs;
  costs.goroutines = parked.heap - accepted.heap;
  costs.stacks = parked.resident - accepted.resident - costs.goroutines;
  costs.total = parked.resident - start.resident;
  if (write(out, &costs, sizeof costs) != sizeof costs) fail("write");
  netpoll::Channel<int>().recv();  // the connections keep the runtime from calling it a deadlock
}

[[noreturn]] void run_server(netpoll::RuntimeOptions options, int connections, bool tcp, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  options.poll_descs_max = static_cast<uint32_t>(connections + kSpare);
  netpoll::Runtime runtime(options);
  runtime.run([&] {
    if (tcp) {
      auto [l, err] = netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(0));
      if (!err) serve(runtime, l, connections, true, out);
    } else {
      const std::string name = "@netpoll idle connections " + std::to_string(getpid());
      auto [l, err] = netpoll::listen_unix(netpoll::Address::unix_name(name));
      if (!err) serve(runtime, l, connections, false, out);
    }
  });
  std::exit(1);
}

// The sum over all servers; false if one of them has failed.
bool collect(int in, size_t servers, Costs* sum) {
  for (size_t got = 0; got < servers;) {
    pollfd ready{in, POLLIN, 0};
    if (poll(&ready, 1, 100) == 0) {
      if (waitpid(-1, nullptr, WNOHANG) != 0) return false;
      continue;
    }
    Costs one;
    if (read(in, &one, sizeof one) != sizeof one) return false;
    sum->poll_descs += one.poll_descs;
    sum->fd_objects += one.fd_objects;
    sum->stacks += one.stacks;
    sum->goroutines += one.goroutines;
    sum->total += one.total;
    got++;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int connections = bench::number(argc, argv, 1, 1, 10'000'000, 100'000, kUsage);
  const bool tcp = argc < 3 || std::strcmp(argv[2], "tcp") == 0;
  if (!tcp && std::strcmp(argv[2], "unix") != 0) {
    std::fprintf(stderr, "usage: %s\n", kUsage);
    return 2;
  }
  netpoll::RuntimeOptions options;
  options.workers = 1;
  options.stack_size =
      static_cast<size_t>(bench::number(argc, argv, 3, 16 * 1024, 1 << 30, 64 * 1024, kUsage));
  const int for_each = within_limits(connections);
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  const KernelMemory before;
  std::vector<pid_t> servers;
  for (int left = connections; left > 0; left -= for_each) {
    const pid_t server = fork();
    if (server == 0) run_server(options, std::min(left, for_each), tcp, ends[1]);
    servers.push_back(server);
  }
  std::printf("connections %d %s, processes %zu, stack %zu bytes of address space each\n",
              connections, tcp ? "tcp" : "unix", servers.size(), options.stack_size);
  Costs costs;
  const bool complete = collect(ends[0], servers.size(), &costs);
  if (complete) report(costs, before, connections);
  for (pid_t server : servers) kill(server, SIGKILL);
  for (pid_t server : servers) waitpid(server, nullptr, 0);
  return complete ? 0 : 1;
}
