// SPDX-License-Identifier: MIT
//
// What facts about unix sockets are made with. A name is what follows the family in a sockaddr_un:
// a path, or a zero and anything for an abstract one.
#pragma once

#include <sys/un.h>

#include <string>

#include "toolbox.h"

namespace conformance {

Fd unix_socket(int type, int flags = SOCK_NONBLOCK);
// An abstract name that only this process uses.
std::string abstract_name(const char* tail);

struct UnixAddress {
  explicit UnixAddress(const std::string& name);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
  sockaddr_un un{};
  socklen_t size;
};

int bind_to(int fd, const std::string& name);
int connect_to(int fd, const std::string& name);
std::string own_name(int fd);
std::string peer_name(int fd);
ssize_t send_to(int fd, const std::string& name, size_t count);

struct UnixListener {
  UnixListener(int type, const std::string& wanted, int backlog = 16);
  operator int() const { return fd; }
  Fd fd;
  std::string name;
};

}  // namespace conformance
