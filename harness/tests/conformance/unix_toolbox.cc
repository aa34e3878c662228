// SPDX-License-Identifier: MIT
#include "unix_toolbox.h"

#include <cstddef>
#include <cstring>
#include <vector>

namespace conformance {
namespace {

constexpr size_t kOffset = offsetof(sockaddr_un, sun_path);

std::string text_of(const sockaddr_un& name, socklen_t size) {
  return std::string(name.sun_path, size > kOffset ? size - kOffset : 0);
}

}  // namespace

Fd unix_socket(int type, int flags) {
  return Fd(static_cast<int>(must(socket(AF_UNIX, type | flags, 0), "socket")));
}

// As long for every process: an internet socket looks at the length of a name before it looks at
// its family.
std::string abstract_name(const char* tail) {
  const std::string id = std::to_string(getpid());
  return '\0' + ("pollux-" + std::string(10 - id.size(), '0') + id + '-') + tail;
}

UnixAddress::UnixAddress(const std::string& name) {
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, name.data(), name.size());
  size = static_cast<socklen_t>(kOffset + name.size());
}

int bind_to(int fd, const std::string& name) {
  UnixAddress address(name);
  return bind(fd, address.get(), address.size);
}

int connect_to(int fd, const std::string& name) {
  UnixAddress address(name);
  return connect(fd, address.get(), address.size);
}

std::string own_name(int fd) {
  sockaddr_un name{};
  socklen_t size = sizeof name;
  must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size), "getsockname");
  return text_of(name, size);
}

std::string peer_name(int fd) {
  sockaddr_un name{};
  socklen_t size = sizeof name;
  must(getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size), "getpeername");
  return text_of(name, size);
}

ssize_t send_to(int fd, const std::string& name, size_t count) {
  UnixAddress address(name);
  std::vector<char> bytes(count, 'x');
  return sendto(fd, bytes.data(), count, MSG_NOSIGNAL, address.get(), address.size);
}

UnixListener::UnixListener(int type, const std::string& wanted, int backlog)
    : fd(unix_socket(type)), name(wanted) {
  must(bind_to(fd, name), "bind");
  must(listen(fd, backlog), "listen");
}

}  // namespace conformance
