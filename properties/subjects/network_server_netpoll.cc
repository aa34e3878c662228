// SPDX-License-Identifier: MIT
#include <netpoll/go.h>
#include <netpoll/net.h>
#include <netpoll/runtime.h>
#include <netpoll/sync.h>

#include "subjects/network_server.h"

namespace {

using pollux::properties::NetworkServer;
using Clock = NetworkServer::Clock;

void tell(const NetworkServer& server, const netpoll::Error& error, Clock::time_point due) {
  if (error.code() == netpoll::Errc::deadline_exceeded) {
    server.deadline_came(server.context, due, Clock::now());
  } else if (error.code() == netpoll::Errc::sys) {
    server.failed(server.context, error.sys_errno());
  }
}

void echo(const NetworkServer& server, netpoll::TcpConn& conn) {
  char buffer[4096];
  for (;;) {
    Clock::time_point due = Clock::now() + server.deadline;
    if (!server.forgets_deadline) (void)conn.set_deadline(due);
    netpoll::IoResult got = conn.read(buffer, sizeof buffer);
    if (got.err) return tell(server, got.err, due);
    netpoll::IoResult sent = conn.write(buffer, got.n);
    if (sent.err) return tell(server, sent.err, due);
  }
}

void serve(const NetworkServer& server) {
  netpoll::Result<netpoll::TcpListener> listener =
      netpoll::listen_tcp(netpoll::Ipv4Endpoint::any(server.port));
  if (listener.err) return server.failed(server.context, listener.err.sys_errno());
  netpoll::WaitGroup handlers;
  for (;;) {
    (void)listener.value.set_deadline(Clock::now() + server.idle);
    netpoll::Result<netpoll::TcpConn> accepted = listener.value.accept();
    if (accepted.err) break;
    handlers.add(1);
    if (server.forgets_deadline) (void)accepted.value.set_keep_alive({.enable = false});
    netpoll::go([&server, &handlers, conn = accepted.value]() mutable {
      echo(server, conn);
      (void)conn.close();
      handlers.done();
    });
  }
  (void)listener.value.close();
  handlers.wait();
}

}  // namespace

extern "C" void pollux_network_server_netpoll(const NetworkServer* server) {
  netpoll::RuntimeOptions options;
  options.workers = 2;
  options.poll_descs_max = 256;
  netpoll::Runtime runtime(options);
  runtime.run([server] { serve(*server); });
}
