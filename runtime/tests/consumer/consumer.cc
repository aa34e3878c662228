// SPDX-License-Identifier: MIT
#include <netpoll/net.h>
#include <netpoll/runtime.h>

int main() {
  bool ok = false;
  netpoll::Runtime().run([&] {
    auto listener = netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(0)).value;
    ok = !netpoll::dial_tcp(listener.addr()).err;
  });
  return ok ? 0 : 1;
}
