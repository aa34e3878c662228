// SPDX-License-Identifier: MIT
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "kernel/check.h"
#include "kernel/unix_socket.h"

namespace pollux::kernel {
namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

const char* path_of(const SocketName& name) {
  return reinterpret_cast<const char*>(&name.address) + kPathOffset;
}
char* path_of(SocketName& name) { return reinterpret_cast<char*>(&name.address) + kPathOffset; }

bool is_abstract(const SocketName& name) { return path_of(name)[0] == '\0'; }

// A path stands for itself; an abstract name is one per type (unix_abstract_hash).
std::string key_of(const SocketName& name, int type) {
  const char* path = path_of(name);
  size_t size = name.length - kPathOffset;
  if (!is_abstract(name)) return std::string(path, strnlen(path, size));
  std::string key(path, size);
  key.insert(1, 1, static_cast<char>(type));
  return key;
}

}  // namespace

long check_unix_name(const SocketName& name) {
  bool fits = name.length > kPathOffset && name.length <= sizeof(sockaddr_un);
  return fits && name.address.ss_family == AF_UNIX ? 0 : -EINVAL;
}

long UnixNames::bind(UnixSocket* socket, const SocketName& name) {
  auto [at, is_new] = names_.try_emplace(key_of(name, socket->type_), socket);
  if (!is_new) return -EADDRINUSE;
  socket->name_ = name;
  if (!is_abstract(name)) {  // unix_mkname_bsd: up to the first zero, which is counted
    const char* path = path_of(name);
    size_t size = strnlen(path, name.length - kPathOffset);
    path_of(socket->name_)[size] = '\0';
    socket->name_.length = static_cast<socklen_t>(kPathOffset + size + 1);
  }
  socket->in_names_ = true;
  return 0;
}

void UnixNames::bind_to_any(UnixSocket* socket) {  // unix_autobind
  SocketName name;
  std::memset(&name.address, 0, sizeof name.address);
  name.address.ss_family = AF_UNIX;
  name.length = kPathOffset + 6;
  do {
    std::snprintf(path_of(name) + 1, 6, "%05x", next_number_++ & 0xFFFFF);
  } while (bind(socket, name) != 0);
}

long UnixNames::find(const SocketName& name, int type, UnixSocket** found) const {
  auto at = names_.find(key_of(name, type));
  if (at == names_.end()) return is_abstract(name) ? -ECONNREFUSED : -ENOENT;
  if (at->second == nullptr) return -ECONNREFUSED;
  if (at->second->type_ != type) return -EPROTOTYPE;
  *found = at->second;
  return 0;
}

void UnixNames::forget(UnixSocket* socket) {
  if (!socket->in_names_) return;
  socket->in_names_ = false;
  auto at = names_.find(key_of(socket->name_, socket->type_));
  // Its path may have been unlinked, and bound again by another.
  if (at == names_.end() || at->second != socket) return;
  if (is_abstract(socket->name_)) {
    names_.erase(at);
  } else {
    at->second = nullptr;
  }
}

void UnixNames::unlink(const char* path) {
  auto at = names_.find(path);
  POLLUX_KERNEL_CHECK(at != names_.end());  // or the call would not come here
  names_.erase(at);
}

void UnixNames::reset() {
  names_.clear();
  next_number_ = 0;
}

}  // namespace pollux::kernel
