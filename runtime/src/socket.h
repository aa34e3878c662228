// SPDX-License-Identifier: MIT
// Making sockets. Errors carry no operation.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "netpoll/dial.h"
#include "src/net_fd.h"

namespace netpoll {

// A network under Go's name.
struct network {
  const char* name;
  int type;   // SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM
  bool inet;  // else AF_UNIX
};

inline constexpr network net_tcp{"tcp", SOCK_STREAM, true};
inline constexpr network net_udp{"udp", SOCK_DGRAM, true};
inline constexpr network net_unix{"unix", SOCK_STREAM, false};
inline constexpr network net_unixgram{"unixgram", SOCK_DGRAM, false};
inline constexpr network net_unixpacket{"unixpacket", SOCK_SEQPACKET, false};

fd_type type_of_socket(int type);
// What a ControlHook sees: "tcp4", "unix".
std::string control_network(const network& net, int family);
// An error of an address that has not become a socket yet.
Error address_error(const Error& e, const char* op, const network& net, const Address& local,
                    const Address& remote);

// A new socket for addresses like `a`, with Go's default options, not yet registered.
Error open_socket(scheduler& s, const network& net, const Address& a, std::shared_ptr<net_fd>* out);
Error bind_socket(net_fd& fd, const Address& at);

// Bound, listening if it is not a datagram socket, registered.
Error listen_socket(scheduler& s, const network& net, const Address& at, const ListenConfig& config,
                    std::shared_ptr<net_fd>* out);

class dial_context;

// When a dial must stop.
struct dial_limits {
  Deadline deadline{};
  DialCanceller* canceller = nullptr;  // the user's
  dial_context* context = nullptr;     // likewise
  DialCanceller* race = nullptr;       // another attempt of the same dial has won
};

// What ended a dial, if not the network.
Error interrupted(const dial_limits& limits);
// The instant that options.timeout and options.deadline mean, computed once for a whole dial.
Deadline dial_deadline(const DialOptions& options);
// Bound to options.local if there is one, connected to `to`, registered.
Error dial_socket(scheduler& s, const network& net, const Address& to, const DialOptions& options,
                  const dial_limits& limits, std::shared_ptr<net_fd>* out);

// NODELAY and keep-alive. Errors are ignored: a peer that has reset the connection already makes
// some of these fail, and the first read will tell.
void set_connection_defaults(int fd, const KeepAliveConfig& keep_alive);
Error apply_keep_alive(poll_fd& fd, const KeepAliveConfig& keep_alive);

// Takes a socket over that was made elsewhere. It must be of one of `networks`, and a listener if
// `listener`.
Error adopt_socket(scheduler& s, int sysfd, std::initializer_list<network> networks, bool listener,
                   std::shared_ptr<net_fd>* out);

}  // namespace netpoll
