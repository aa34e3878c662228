// SPDX-License-Identifier: MIT
// echo_server PORT [WORKERS]: sends back whatever it receives, on 127.0.0.1.
#include <chrono>
#include <cstdio>

#include "examples/arguments.h"
#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"

namespace {

void echo(netpoll::TcpConn& conn) {
  char buf[16 * 1024];
  for (;;) {
    const netpoll::IoResult r = conn.read(buf, sizeof buf);
    if (r.err) return;
    if (conn.write(buf, r.n).err) return;
  }
}

void serve(netpoll::TcpListener listener) {
  for (;;) {
    auto [conn, err] = listener.accept();
    if (err) {
      std::fprintf(stderr, "echo_server: %s\n", err.message().c_str());
      if (!err.temporary()) return;
      netpoll::sleep_for(std::chrono::milliseconds(10));  // out of descriptors: let some close
      continue;
    }
    netpoll::go([c = std::move(conn)]() mutable { echo(c); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  int workers = 0;
  if (argc < 2 || argc > 3 || !parse_number(argv[1], 0, 65535, &port) ||
      (argc == 3 && !parse_number(argv[2], 1, 1024, &workers))) {
    std::fprintf(stderr,
                 "usage: echo_server PORT [WORKERS] (port 0 to 65535, workers 1 to 1024)\n");
    return 2;
  }
  int status = 0;
  netpoll::RuntimeOptions options;
  options.workers = workers;
  netpoll::Runtime runtime(options);
  runtime.run([&] {
    auto [listener, err] =
        netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(static_cast<uint16_t>(port)));
    if (err) {
      std::fprintf(stderr, "echo_server: %s\n", err.message().c_str());
      status = 1;
      return;
    }
    std::printf("listening on %s\n", listener.addr().to_string().c_str());
    std::fflush(stdout);
    serve(std::move(listener));
    status = 1;  // accept failed for good
  });
  return status;
}
