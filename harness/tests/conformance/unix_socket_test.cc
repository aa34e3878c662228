// SPDX-License-Identifier: MIT
//
// Unix sockets other than a pair of streams.
// unix(7); in the kernel unix_dgram_poll, unix_poll.
#include <sys/un.h>

#include "toolbox.h"

namespace conformance {
namespace {

CONFORMANCE(UnixSockets, FreshMasks) {
  Fd stream(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Fd datagram(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  Fd packets(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
  FACT(ready(stream), Mask("OUT|HUP"));
  FACT(ready(datagram), Mask("OUT"));
  FACT(ready(packets), Mask("OUT|HUP"));
}

CONFORMANCE(UnixSockets, Datagrams) {
  UnixPair pair(SOCK_DGRAM);
  FACT(ready(pair.a), Mask("OUT"));
  FACT(transmit(pair.a, 10), Succeeds(10));
  FACT(transmit(pair.a, 20), Succeeds(20));
  FACT(receive(pair.b, 4), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(20));
  FACT(receive(pair.b, 100), FailsWith(EAGAIN));
}

CONFORMANCE(UnixSockets, Records) {
  UnixPair pair(SOCK_SEQPACKET);
  FACT(transmit(pair.a, 10), Succeeds(10));
  FACT(transmit(pair.a, 20), Succeeds(20));
  FACT(receive(pair.b, 4), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(20));
  pair.a.close();
  FACT(receive(pair.b, 100), Succeeds(0));
}

CONFORMANCE(UnixSockets, NamedStream) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const char text[] = "\0pollux-conformance";  // abstract: unix(7)
  __builtin_memcpy(name.sun_path, text, sizeof text);
  auto* address = reinterpret_cast<sockaddr*>(&name);
  Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  FACT(connect(client, address, sizeof name), FailsWith(ECONNREFUSED));
  FACT(bind(listener, address, sizeof name), Succeeds(0));
  FACT(listen(listener, 1), Succeeds(0));
  FACT(connect(client, address, sizeof name), Succeeds(0));
  FACT(ready(listener), Mask("IN"));
  FACT(transmit(client, 4), Succeeds(4));
  Fd server = accept_from(listener);
  FACT(receive(server, 10), Succeeds(4));
}

}  // namespace
}  // namespace conformance
