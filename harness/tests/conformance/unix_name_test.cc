// SPDX-License-Identifier: MIT
//
// Names of unix sockets: paths, abstract names, who is found under them, connecting and accepting.
// unix(7), connect(2); in the kernel unix_bind, unix_autobind, unix_find_other, unix_listen,
// unix_stream_connect, unix_accept, unix_release_sock.
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <thread>

#include "unix_toolbox.h"

namespace conformance {
namespace {

// A path that is free, and goes again at the end of the test.
struct Path {
  explicit Path(const char* tail) : text("/tmp/pollux-" + std::to_string(getpid()) + tail) {
    unlink(text.c_str());
  }
  ~Path() { unlink(text.c_str()); }
  std::string text;
};

CONFORMANCE(UnixName, FreshMasks) {
  Fd stream = unix_socket(SOCK_STREAM), datagram = unix_socket(SOCK_DGRAM),
     packets = unix_socket(SOCK_SEQPACKET);
  FACT(ready(stream), Mask("OUT|HUP"));
  FACT(ready(datagram), Mask("OUT"));
  FACT(ready(packets), Mask("OUT|HUP"));
  FACT(receive(stream, 1), FailsWith(EINVAL));
  FACT(receive(datagram, 1), FailsWith(EAGAIN));
  FACT(receive(packets, 1), FailsWith(ENOTCONN));
  FACT(transmit(stream, 1), FailsWith(ENOTCONN));
  FACT(transmit(datagram, 1), FailsWith(ENOTCONN));
  FACT(transmit(packets, 1), FailsWith(ENOTCONN));
}

CONFORMANCE(UnixName, Creation) {
  FACT(socket(AF_UNIX, SOCK_STREAM, 77), FailsWith(EPROTONOSUPPORT));
  FACT(socket(AF_UNIX, SOCK_RDM, 0), FailsWith(ESOCKTNOSUPPORT));
  Fd packets = unix_socket(SOCK_SEQPACKET);
  FACT(get_option(packets, SOL_SOCKET, SO_TYPE), Succeeds(SOCK_SEQPACKET));
  FACT(get_option(packets, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_UNIX));
  FACT(get_option(packets, SOL_SOCKET, SO_PROTOCOL), Succeeds(0));
  Fd raw(socket(AF_UNIX, SOCK_RAW, 0));
  FACT(get_option(raw, SOL_SOCKET, SO_TYPE), Succeeds(SOCK_DGRAM));
}

CONFORMANCE(UnixName, ShutdownOfUnconnected) {
  Fd stream = unix_socket(SOCK_STREAM);
  FACT(shutdown(stream, SHUT_RDWR), Succeeds(0));
  FACT(ready(stream), Mask("IN|OUT|RDHUP|HUP"));
}

CONFORMANCE(UnixName, PathsAreTaken) {
  Path path(".a");
  Fd a = unix_socket(SOCK_STREAM), b = unix_socket(SOCK_STREAM);
  FACT(own_name(a).size(), Succeeds(0));
  FACT(bind_to(a, path.text), Succeeds(0));
  FACT(own_name(a) == path.text + '\0', Holds());  // its end is counted
  FACT(bind_to(b, path.text), FailsWith(EADDRINUSE));
  FACT(bind_to(a, path.text), FailsWith(EADDRINUSE));
  FACT(bind_to(a, path.text + "2"), FailsWith(EINVAL));
  struct stat status {};
  FACT(stat(path.text.c_str(), &status), Succeeds(0));
  FACT(S_ISSOCK(status.st_mode), Holds());
  FACT(open(path.text.c_str(), O_RDWR), FailsWith(ENXIO));
}

CONFORMANCE(UnixName, PathsOutliveTheirSockets) {
  Path path(".b");
  Fd client = unix_socket(SOCK_STREAM);
  FACT(connect_to(client, path.text), FailsWith(ENOENT));
  {
    Fd listener = unix_socket(SOCK_STREAM);
    bind_to(listener, path.text);
    FACT(connect_to(client, path.text), FailsWith(ECONNREFUSED));  // does not listen
  }
  FACT(connect_to(client, path.text), FailsWith(ECONNREFUSED));
  FACT(bind_to(unix_socket(SOCK_STREAM), path.text), FailsWith(EADDRINUSE));
  FACT(unlink(path.text.c_str()), Succeeds(0));
  FACT(unlink(path.text.c_str()), FailsWith(ENOENT));
  FACT(connect_to(client, path.text), FailsWith(ENOENT));
  FACT(bind_to(unix_socket(SOCK_STREAM), path.text), Succeeds(0));
}

CONFORMANCE(UnixName, UnlinkedPathsAreFree) {
  // The first socket keeps its name, but the path leads to the second.
  Path path(".c");
  UnixListener first(SOCK_STREAM, path.text);
  unlink(path.text.c_str());
  UnixListener second(SOCK_STREAM, path.text);
  FACT(own_name(first) == own_name(second), Holds());
  Fd client = unix_socket(SOCK_STREAM);
  FACT(connect_to(client, path.text), Succeeds(0));
  FACT(ready(first), Mask("0"));
  FACT(ready(second), Mask("IN"));
  first.fd.close();
  Fd another = unix_socket(SOCK_STREAM);
  FACT(connect_to(another, path.text), Succeeds(0));
}

CONFORMANCE(UnixName, PathsHaveOneType) {
  Path path(".d");
  Fd datagram = unix_socket(SOCK_DGRAM), stream = unix_socket(SOCK_STREAM);
  bind_to(datagram, path.text);
  FACT(connect_to(stream, path.text), FailsWith(EPROTOTYPE));
}

CONFORMANCE(UnixName, AbstractNamesGoWithTheirSockets) {
  std::string name = abstract_name("gone");
  Fd client = unix_socket(SOCK_STREAM);
  FACT(connect_to(client, name), FailsWith(ECONNREFUSED));
  {
    UnixListener listener(SOCK_STREAM, name);
    FACT(own_name(listener) == name, Holds());
    FACT(bind_to(unix_socket(SOCK_STREAM), name), FailsWith(EADDRINUSE));
    FACT(bind_to(unix_socket(SOCK_DGRAM), name), Succeeds(0));  // another type, another name
    FACT(connect_to(client, name), Succeeds(0));
  }
  FACT(connect_to(unix_socket(SOCK_STREAM), name), FailsWith(ECONNREFUSED));
  FACT(bind_to(unix_socket(SOCK_STREAM), name), Succeeds(0));
}

CONFORMANCE(UnixName, AnyName) {
  Fd a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM);
  FACT(bind_to(a, ""), Succeeds(0));
  FACT(bind_to(b, ""), Succeeds(0));
  std::string name = own_name(a);
  FACT(name.size(), Succeeds(6));  // a zero and five digits
  FACT(name != own_name(b), Holds());
  FACT(bind_to(a, ""), Succeeds(0));
  FACT(own_name(a) == name, Holds());
  FACT(connect_to(b, name), Succeeds(0));
}

CONFORMANCE(UnixName, BadNames) {
  sockaddr_storage storage{};  // longer than any name
  auto& name = reinterpret_cast<sockaddr_un&>(storage);
  name.sun_family = AF_UNIX;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  Fd a = unix_socket(SOCK_STREAM), b = unix_socket(SOCK_DGRAM);
  FACT(bind(a, address, 1), FailsWith(EINVAL));
  FACT(bind(a, address, sizeof name + 1), FailsWith(EINVAL));
  FACT(connect(a, address, 2), FailsWith(EINVAL));
  FACT(connect(b, address, 2), FailsWith(EINVAL));
  name.sun_family = AF_INET;
  FACT(bind(a, address, 20), FailsWith(EINVAL));
  FACT(connect(a, address, 20), FailsWith(EINVAL));
  name.sun_family = AF_UNSPEC;
  FACT(connect(a, address, sizeof name), FailsWith(EINVAL));
  FACT(connect(b, address, sizeof name), Succeeds(0));  // lets go of a peer, if there is one
}

// --- Listening.

CONFORMANCE(UnixListen, Checks) {
  Fd unbound = unix_socket(SOCK_STREAM), datagram = unix_socket(SOCK_DGRAM);
  FACT(listen(unbound, 1), FailsWith(EINVAL));
  FACT(accept(unbound, nullptr, nullptr), FailsWith(EINVAL));
  FACT(listen(datagram, 1), FailsWith(EOPNOTSUPP));
  FACT(accept(datagram, nullptr, nullptr), FailsWith(EOPNOTSUPP));
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    UnixListener listener(type, abstract_name("checks"));
    FACT(ready(listener), Mask("0"));
    FACT(accept(listener, nullptr, nullptr), FailsWith(EAGAIN));
    FACT(receive(listener, 1), FailsWith(type == SOCK_STREAM ? EINVAL : ENOTCONN));
    FACT(transmit(listener, 1), FailsWith(ENOTCONN));
    FACT(get_option(listener, SOL_SOCKET, SO_ACCEPTCONN), Succeeds(1));
    FACT(bytes_queued(listener), FailsWith(EINVAL));
    FACT(connect_to(listener, listener.name), FailsWith(EINVAL));
  }
}

CONFORMANCE(UnixListen, ConnectedBeforeAccepted) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    UnixListener listener(type, abstract_name("early"));
    Fd client = unix_socket(type);
    FACT(connect_to(client, listener.name), Succeeds(0));
    FACT(ready(client), Mask("OUT"));
    FACT(ready(listener), Mask("IN"));
    FACT(transmit(client, 4), Succeeds(4));
    FACT(connect_to(client, listener.name), FailsWith(EISCONN));
    FACT(own_name(client).size(), Succeeds(0));
    FACT(peer_name(client) == listener.name, Holds());
    sockaddr_un from{};
    socklen_t size = sizeof from;
    Fd server(accept(listener, reinterpret_cast<sockaddr*>(&from), &size));
    FACT(size, Succeeds(2));  // the client has no name
    FACT(fcntl(server, F_GETFL), Succeeds(O_RDWR));
    FACT(own_name(server) == listener.name, Holds());
    FACT(receive(server, 10), Succeeds(4));
    FACT(transmit(server, 3), Succeeds(3));
    FACT(receive(client, 10), Succeeds(3));
  }
}

CONFORMANCE(UnixListen, BacklogPlusOne) {
  UnixListener listener(SOCK_STREAM, abstract_name("backlog"), 1);
  Fd clients[3] = {unix_socket(SOCK_STREAM), unix_socket(SOCK_STREAM), unix_socket(SOCK_STREAM)};
  FACT(connect_to(clients[0], listener.name), Succeeds(0));
  FACT(connect_to(clients[1], listener.name), Succeeds(0));
  FACT(connect_to(clients[2], listener.name), FailsWith(EAGAIN));
  FACT(ready(clients[2]), Mask("OUT|HUP"));
  FACT(connect_to(clients[0], listener.name), FailsWith(EAGAIN));  // looked at before EISCONN
  accept_from(listener);
  FACT(connect_to(clients[2], listener.name), Succeeds(0));
  FACT(listen(listener, 5), Succeeds(0));
  FACT(connect_to(unix_socket(SOCK_STREAM), listener.name), Succeeds(0));
}

CONFORMANCE(UnixListen, FullBacklogBlocks) {
  UnixListener listener(SOCK_STREAM, abstract_name("blocks"), 0);
  Fd first = unix_socket(SOCK_STREAM), second = unix_socket(SOCK_STREAM, 0);
  connect_to(first, listener.name);
  int seen = -7;
  std::thread client([&] { seen = connect_to(second, listener.name); });
  settle();
  FACT(seen, Succeeds(-7));
  accept_from(listener);
  client.join();
  FACT(seen, Succeeds(0));
}

CONFORMANCE(UnixListen, ClosingEndsABlockedConnect) {
  UnixListener listener(SOCK_STREAM, abstract_name("ends"), 0);
  Fd first = unix_socket(SOCK_STREAM), second = unix_socket(SOCK_STREAM, 0);
  connect_to(first, listener.name);
  int seen = 0, error = 0;
  std::thread client([&] {
    seen = connect_to(second, listener.name);
    error = errno;
  });
  settle();
  listener.fd.close();
  client.join();
  FACT(seen == -1 && error == ECONNREFUSED, Holds());
}

CONFORMANCE(UnixListen, BlockedConnectTimesOut) {
  UnixListener listener(SOCK_STREAM, abstract_name("late"), 0);
  Fd first = unix_socket(SOCK_STREAM), second = unix_socket(SOCK_STREAM, 0);
  connect_to(first, listener.name);
  timeval wait{0, 5000};
  setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  FACT(connect_to(second, listener.name), FailsWith(EAGAIN));
}

CONFORMANCE(UnixListen, BlockedAcceptGetsTheConnection) {
  UnixListener listener(SOCK_STREAM, abstract_name("waits"));
  fcntl(listener, F_SETFL, 0);
  int seen = -7;
  std::thread server([&] { seen = accept(listener, nullptr, nullptr); });
  settle();
  Fd client = unix_socket(SOCK_STREAM);
  connect_to(client, listener.name);
  server.join();
  Fd accepted(seen);
  FACT(accepted >= 0, Holds());
}

CONFORMANCE(UnixListen, ClosingResetsWhatIsQueued) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    UnixListener listener(type, abstract_name("reset"));
    Fd client = unix_socket(type);
    connect_to(client, listener.name);
    listener.fd.close();
    FACT(ready(client), Mask("IN|OUT|RDHUP|HUP|ERR"));
    FACT(receive(client, 1), FailsWith(ECONNRESET));
    FACT(receive(client, 1), Succeeds(0));
    FACT(transmit(client, 1), FailsWith(EPIPE));
    FACT(peer_name(client) == listener.name, Holds());
  }
}

CONFORMANCE(UnixListen, ShutdownOfTheListener) {
  UnixListener listener(SOCK_STREAM, abstract_name("shut"));
  Fd client = unix_socket(SOCK_STREAM), late = unix_socket(SOCK_STREAM);
  connect_to(client, listener.name);
  FACT(shutdown(listener, SHUT_RDWR), Succeeds(0));
  FACT(ready(listener), Mask("IN|RDHUP|HUP"));
  FACT(connect_to(late, listener.name), FailsWith(ECONNREFUSED));
  Fd server = accept_from(listener);
  FACT(server >= 0, Holds());
  FACT(accept(listener, nullptr, nullptr), FailsWith(EAGAIN));
  fcntl(listener, F_SETFL, 0);
  FACT(accept(listener, nullptr, nullptr), FailsWith(EINVAL));
}

CONFORMANCE(UnixListen, ClientGoneBeforeAccept) {
  UnixListener listener(SOCK_STREAM, abstract_name("left"));
  {
    Fd client = unix_socket(SOCK_STREAM);
    connect_to(client, listener.name);
    transmit(client, 2);
  }
  FACT(ready(listener), Mask("IN"));
  Fd server = accept_from(listener);
  FACT(ready(server), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(server, 10), Succeeds(2));
  FACT(receive(server, 10), Succeeds(0));
}

CONFORMANCE(UnixListen, EachConnectionIsAnEdge) {
  UnixListener listener(SOCK_STREAM, abstract_name("edges"));
  Epoll epoll;
  epoll.add(listener, EPOLLIN | EPOLLET);
  Fd clients[2] = {unix_socket(SOCK_STREAM), unix_socket(SOCK_STREAM)};
  connect_to(clients[0], listener.name);
  FACT(epoll.wait(), Events("IN"));
  connect_to(clients[1], listener.name);
  FACT(epoll.wait(), Events("IN"));
  accept_from(listener);
  FACT(epoll.wait(), NoEvents());
  FACT(ready(listener), Mask("IN"));
}

CONFORMANCE(UnixListen, Credentials) {
  UnixListener listener(SOCK_STREAM, abstract_name("who"));
  Fd client = unix_socket(SOCK_STREAM);
  ucred seen{};
  socklen_t size = sizeof seen;
  FACT(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &seen, &size), Succeeds(0));
  FACT(seen.pid == 0 && seen.uid == static_cast<uid_t>(-1), Holds());
  connect_to(client, listener.name);
  Fd server = accept_from(listener);
  for (int fd : {int{client}, int{server}, int{listener}}) {
    FACT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &seen, &size), Succeeds(0));
    FACT(seen.pid == getpid() && seen.uid == geteuid() && seen.gid == getegid(), Holds());
  }
}

CONFORMANCE(UnixListen, NameOfTheClient) {
  UnixListener listener(SOCK_STREAM, abstract_name("named"));
  std::string name = abstract_name("client");
  Fd client = unix_socket(SOCK_STREAM);
  bind_to(client, name);
  connect_to(client, listener.name);
  transmit(client, 3);
  sockaddr_un from{};
  socklen_t size = sizeof from;
  Fd server(accept(listener, reinterpret_cast<sockaddr*>(&from), &size));
  FACT(size == 2 + name.size(), Holds());
  FACT(peer_name(server) == name, Holds());
  char bytes[10];
  size = sizeof from;
  FACT(recvfrom(server, bytes, 10, 0, reinterpret_cast<sockaddr*>(&from), &size), Succeeds(3));
  FACT(size == 2 + name.size(), Holds());
  FACT(sendto(server, "x", 1, 0, reinterpret_cast<sockaddr*>(&from), size), FailsWith(EISCONN));
  Fd fresh = unix_socket(SOCK_STREAM);
  FACT(sendto(fresh, "x", 1, 0, reinterpret_cast<sockaddr*>(&from), size), FailsWith(EOPNOTSUPP));
}

}  // namespace
}  // namespace conformance
