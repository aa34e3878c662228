// SPDX-License-Identifier: MIT
// echo_client HOST:PORT [CONNECTIONS [MESSAGES [BYTES]]]: sends messages to an echo server over
// several connections at once, and checks that each comes back as it was. HOST is a number:
// 127.0.0.1:7, [::1]:7.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>

#include "examples/arguments.h"
#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"
#include "netpoll/sync.h"

namespace {

using namespace std::chrono_literals;

struct Plan {
  netpoll::Address server;
  int connections = 1;
  int messages = 1;
  int bytes = 64;
};

// One message there and back.
netpoll::Error exchange(netpoll::TcpConn& conn, const std::string& sent) {
  if (const netpoll::IoResult w = conn.write(sent.data(), sent.size()); w.err) return w.err;
  std::string got(sent.size(), '\0');
  for (size_t have = 0; have < got.size();) {
    const netpoll::IoResult r = conn.read(got.data() + have, got.size() - have);
    if (r.err) return r.err;
    have += r.n;
  }
  if (got != sent) std::fprintf(stderr, "echo_client: what came back is not what was sent\n");
  return got == sent ? netpoll::Error() : netpoll::Error(netpoll::Errc::unexpected_eof);
}

netpoll::Error talk(const Plan& plan, int number) {
  auto [conn, err] = netpoll::dial_tcp(plan.server, {.timeout = 10s});
  if (err) return err;
  for (int i = 0; i < plan.messages; i++) {
    if (netpoll::Error e = conn.set_deadline(std::chrono::steady_clock::now() + 10s)) return e;
    const std::string sent(static_cast<size_t>(plan.bytes),
                           static_cast<char>('a' + (number + i) % 26));
    if (netpoll::Error e = exchange(conn, sent)) return e;
  }
  return conn.close();
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  const auto server = netpoll::Address::parse(argc > 1 ? argv[1] : "");
  if (!server || argc > 5 || (argc > 2 && !parse_number(argv[2], 1, 10'000, &plan.connections)) ||
      (argc > 3 && !parse_number(argv[3], 1, 100'000'000, &plan.messages)) ||
      (argc > 4 && !parse_number(argv[4], 1, 1 << 20, &plan.bytes))) {
    std::fprintf(stderr, "usage: echo_client HOST:PORT [CONNECTIONS [MESSAGES [BYTES]]]\n");
    return 2;
  }
  plan.server = *server;
  std::atomic<int> failures{0};
  const auto start = std::chrono::steady_clock::now();
  netpoll::Runtime runtime;
  runtime.run([&] {
    for (int i = 0; i < plan.connections; i++) {
      netpoll::go([&, i] {
        if (const netpoll::Error err = talk(plan, i)) {
          failures++;
          std::fprintf(stderr, "echo_client: %s\n", err.message().c_str());
        }
      });
    }
  });
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (failures > 0) return 1;
  std::printf("%d round trips in %.3f s\n", plan.connections * plan.messages, time.count());
  return 0;
}
