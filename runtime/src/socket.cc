// SPDX-License-Identifier: MIT
#include "src/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "src/scheduler.h"
#include "src/socket_address.h"

namespace netpoll {

namespace {

Error set_int(int fd, int level, int name, int value) {
  const int r = sys_setsockopt(fd, level, name, &value, sizeof value);
  return r < 0 ? Error::from_errno("setsockopt", -r) : Error();
}

struct option {
  int level;
  int name;
  int value;
};

// In the order in which Go sets them; `set` returns an Error.
template <class Set>
Error for_keep_alive(const KeepAliveConfig& k, Set set) {
  if (Error err = set(option{SOL_SOCKET, SO_KEEPALIVE, k.enable ? 1 : 0})) return err;
  if (!k.enable) return Error();
  const option numbers[] = {
      {IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(k.idle.count())},
      {IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(k.interval.count())},
      {IPPROTO_TCP, TCP_KEEPCNT, k.count},
  };
  for (const option& o : numbers) {
    if (o.value <= 0) continue;
    if (Error err = set(o)) return err;
  }
  return Error();
}

bool is_inet(int family) { return family == AF_INET || family == AF_INET6; }

}  // namespace

fd_type type_of_socket(int type) {
  switch (type) {
    case SOCK_STREAM:
      return fd_type::stream;
    case SOCK_SEQPACKET:
      return fd_type::seqpacket;
    default:
      return fd_type::dgram;
  }
}

std::string control_network(const network& net, int family) {
  return std::string(net.name) + (family == AF_INET ? "4" : family == AF_INET6 ? "6" : "");
}

Error address_error(const Error& e, const char* op, const network& net, const Address& local,
                    const Address& remote) {
  if (!e) return e;
  return e.with_op(op, std::make_shared<OpContext>(OpContext{net.name, local, remote}));
}

Error open_socket(scheduler& s, const network& net, const Address& a,
                  std::shared_ptr<net_fd>* out) {
  const int family = socket_family(a);
  if (family == AF_UNSPEC) return Error(Errc::missing_address);
  if (is_inet(family) != net.inet) return Error(Errc::address_type);
  const int sysfd = sys_socket(family, net.type, 0);
  if (sysfd < 0) return Error::from_errno("socket", -sysfd);
  *out = std::make_shared<net_fd>(s, sysfd, type_of_socket(net.type), family, net.name);
  if (net.type == SOCK_DGRAM && family == AF_INET) {
    return set_int(sysfd, SOL_SOCKET, SO_BROADCAST, 1);
  }
  return Error();
}

Error bind_socket(net_fd& fd, const Address& at) {
  socket_address a;
  if (Error err = to_socket_address(at, fd.family, &a)) return err;
  const int r = sys_bind(fd.pfd.sysfd(), &a.any, a.len);
  return r < 0 ? Error::from_errno("bind", -r) : Error();
}

Error listen_socket(scheduler& s, const network& net, const Address& at, const ListenConfig& config,
                    std::shared_ptr<net_fd>* out) {
  if (Error err = open_socket(s, net, at, out)) return err;
  net_fd& fd = **out;
  const int sysfd = fd.pfd.sysfd();
  const bool stream = net.type != SOCK_DGRAM;
  if (fd.family == AF_INET6) {
    const int only = config.dual_stack ? 0 : 1;
    if (Error err = set_int(sysfd, IPPROTO_IPV6, IPV6_V6ONLY, only)) return err;
  }
  if (stream) {
    if (Error err = set_int(sysfd, SOL_SOCKET, SO_REUSEADDR, 1)) return err;
  }
  if (config.reuse_port) {
    if (Error err = set_int(sysfd, SOL_SOCKET, SO_REUSEPORT, 1)) return err;
  }
  if (config.control) {
    if (Error err = config.control(control_network(net, fd.family), at, sysfd)) return err;
  }
  if (Error err = bind_socket(fd, at)) return err;
  if (stream) {
    fd.listen = std::make_unique<listen_state>();
    fd.listen->keep_alive = config.keep_alive;
    const std::string_view name = at.unix_name();
    if (!name.empty() && name[0] != '@') {
      fd.listen->path = name;
      fd.listen->unlink_due = true;
    }
    // The kernel lowers it to its own limit.
    const int r = sys_listen(sysfd, config.backlog > 0 ? config.backlog : SOMAXCONN);
    if (r < 0) return Error::from_errno("listen", -r);
  }
  if (Error err = fd.pfd.init()) return err;
  fd.set_addresses(local_address(sysfd), Address());
  return Error();
}

void set_connection_defaults(int fd, const KeepAliveConfig& keep_alive) {
  (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  (void)for_keep_alive(keep_alive, [fd](const option& o) {
    (void)set_int(fd, o.level, o.name, o.value);
    return Error();
  });
}

Error apply_keep_alive(poll_fd& fd, const KeepAliveConfig& keep_alive) {
  return for_keep_alive(keep_alive,
                        [&fd](const option& o) { return fd.set_option(o.level, o.name, o.value); });
}

namespace {

// What kind of socket `sysfd` is.
struct socket_kind {
  int family = AF_UNSPEC;
  int type = 0;
  bool listener = false;
};

Error inspect(int sysfd, socket_kind* kind) {
  int listening = 0;
  const struct {
    int name;
    int* value;
  } queries[] = {{SO_DOMAIN, &kind->family}, {SO_TYPE, &kind->type}, {SO_ACCEPTCONN, &listening}};
  for (const auto& q : queries) {
    const int r = sys_getsockopt_int(sysfd, SOL_SOCKET, q.name, q.value);
    if (r < 0) return Error::from_errno("getsockopt", -r);
  }
  kind->listener = listening != 0;
  return Error();
}

}  // namespace

Error adopt_socket(scheduler& s, int sysfd, std::initializer_list<network> networks, bool listener,
                   std::shared_ptr<net_fd>* out) {
  const auto fail = [sysfd](const Error& e) {
    sys_close(sysfd);
    return e;
  };
  socket_kind kind;
  if (Error err = inspect(sysfd, &kind)) return fail(err);
  const network* match = nullptr;
  for (const network& net : networks) {
    if (net.type == kind.type && net.inet == is_inet(kind.family)) match = &net;
  }
  if (!match || kind.listener != listener) return fail(Error::from_errno(nullptr, EPROTONOSUPPORT));
  const int r = sys_set_nonblocking(sysfd, true);
  if (r < 0) return fail(Error::from_errno("fcntl", -r));
  auto fd = std::make_shared<net_fd>(s, sysfd, type_of_socket(kind.type), kind.family, match->name);
  if (Error err = fd->pfd.init()) return err;
  if (listener) fd->listen = std::make_unique<listen_state>();
  Address remote;
  (void)remote_address(sysfd, &remote);
  fd->set_addresses(local_address(sysfd), remote);
  *out = std::move(fd);
  return Error();
}

}  // namespace netpoll
