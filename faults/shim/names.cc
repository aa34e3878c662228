// SPDX-License-Identifier: MIT
//
// Name resolution, whole: libc opens sockets and files inside of it.
//
// A host of a run has a resolver without files and without a network: it knows numeric addresses
// and "localhost", has no IPv6 unless asked for by family, and numeric services only. Any other
// name ends the run as unmodelled: the answer would come from the machine it runs on.
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/entry.h"

using namespace pollux::shim;

namespace {

struct Kind {
  int type;
  int protocol;
};
// In libc's order (glibc gaih_inet_typeproto).
constexpr Kind kKinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, 0}};

struct Address {
  int family = AF_UNSPEC;
  in6_addr bytes = {};  // the first four for AF_INET
};

// By name of what was asked, since that is what the user has to change.
int refuse(const char* call, const char* name) {
  HarnessScope scope;
  char text[300];
  std::snprintf(text, sizeof text, "%s(\"%s\")", call, name);
  backend().unmodelled->unmodelled(text);
  return EAI_FAIL;
}

bool parse_port(const char* service, in_port_t* port) {
  char* end;
  unsigned long value = std::strtoul(service, &end, 10);
  if (*service < '0' || *service > '9' || *end != '\0' || value > 65535) return false;
  *port = htons(static_cast<in_port_t>(value));
  return true;
}

// 0 or EAI_*. No node: the wildcard for servers, loopback for clients (getaddrinfo(3)).
int resolve(const char* node, const addrinfo& hints, Address* out) {
  bool v6 = hints.ai_family == AF_INET6;
  out->family = v6 ? AF_INET6 : AF_INET;
  if (node == nullptr || std::strcmp(node, "localhost") == 0) {
    bool any = node == nullptr && (hints.ai_flags & AI_PASSIVE) != 0;
    in_addr v4 = {htonl(any ? INADDR_ANY : INADDR_LOOPBACK)};
    if (v6) {
      out->bytes = any ? in6_addr(IN6ADDR_ANY_INIT) : in6_addr(IN6ADDR_LOOPBACK_INIT);
    } else {
      std::memcpy(&out->bytes, &v4, sizeof v4);
    }
    if (node != nullptr && (hints.ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
    return 0;
  }
  in_addr v4;
  if (inet_aton(node, &v4) != 0) {
    if (!v6) {
      std::memcpy(&out->bytes, &v4, sizeof v4);
      return 0;
    }
    if ((hints.ai_flags & AI_V4MAPPED) == 0) return EAI_ADDRFAMILY;
    out->bytes.s6_addr[10] = out->bytes.s6_addr[11] = 0xff;
    std::memcpy(&out->bytes.s6_addr[12], &v4, sizeof v4);
    return 0;
  }
  if (inet_pton(AF_INET6, node, &out->bytes) == 1) {
    if (hints.ai_family == AF_INET) return EAI_ADDRFAMILY;
    out->family = AF_INET6;
    return 0;
  }
  if ((hints.ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  return refuse("getaddrinfo", node);
}

// One block per entry, as libc lays it out, so that either freeaddrinfo frees either's list.
addrinfo* make_entry(const Address& address, in_port_t port, const Kind& kind) {
  auto* entry = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + sizeof(sockaddr_in6)));
  if (entry == nullptr) return nullptr;
  entry->ai_family = address.family;
  entry->ai_socktype = kind.type;
  entry->ai_protocol = kind.protocol;
  entry->ai_addr = reinterpret_cast<sockaddr*>(entry + 1);
  if (address.family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(entry->ai_addr);
    in->sin_family = AF_INET;
    in->sin_port = port;
    std::memcpy(&in->sin_addr, &address.bytes, sizeof in->sin_addr);
    entry->ai_addrlen = sizeof *in;
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(entry->ai_addr);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port;
    in6->sin6_addr = address.bytes;
    entry->ai_addrlen = sizeof *in6;
  }
  return entry;
}

int run_getaddrinfo(const char* node, const char* service, const addrinfo& hints, addrinfo** out) {
  if (node == nullptr && service == nullptr) return EAI_NONAME;
  if ((hints.ai_flags & AI_CANONNAME) != 0 && node == nullptr) return EAI_BADFLAGS;
  if (hints.ai_family != AF_UNSPEC && hints.ai_family != AF_INET && hints.ai_family != AF_INET6) {
    return EAI_FAMILY;
  }
  in_port_t port = 0;
  if (service != nullptr && !parse_port(service, &port)) {
    if ((hints.ai_flags & AI_NUMERICSERV) != 0) return EAI_NONAME;
    return refuse("getaddrinfo service", service);
  }
  Address address;
  if (int error = resolve(node, hints, &address)) return error;

  addrinfo* first = nullptr;
  addrinfo** tail = &first;
  for (const Kind& kind : kKinds) {
    if (hints.ai_socktype != 0 && hints.ai_socktype != kind.type) continue;
    if (hints.ai_protocol != 0 && kind.protocol != 0 && hints.ai_protocol != kind.protocol) {
      continue;
    }
    *tail = make_entry(address, port, kind);
    if (*tail == nullptr) {
      freeaddrinfo(first);
      return EAI_MEMORY;
    }
    if (kind.protocol == 0) (*tail)->ai_protocol = hints.ai_protocol;
    tail = &(*tail)->ai_next;
  }
  if (first == nullptr) return EAI_SOCKTYPE;
  if ((hints.ai_flags & AI_CANONNAME) != 0) first->ai_canonname = strdup(node);
  *out = first;
  return 0;
}

bool copy_text(const char* text, char* out, socklen_t size) {
  size_t length = std::strlen(text) + 1;
  if (length > size) return false;
  std::memcpy(out, text, length);
  return true;
}

int run_getnameinfo(const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
                    char* service, socklen_t service_size, int flags) {
  const void* bytes;
  in_port_t port;
  bool loopback;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    auto* in = reinterpret_cast<const sockaddr_in*>(address);
    bytes = &in->sin_addr;
    port = ntohs(in->sin_port);
    loopback = in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  } else if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
    bytes = &in6->sin6_addr;
    port = ntohs(in6->sin6_port);
    loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
  } else {
    return EAI_FAMILY;
  }
  if (host != nullptr && host_size > 0) {
    bool by_name = loopback && (flags & NI_NUMERICHOST) == 0;
    if (!by_name && (flags & NI_NAMEREQD) != 0) return EAI_NONAME;
    char text[INET6_ADDRSTRLEN];
    const char* name =
        by_name ? "localhost" : inet_ntop(address->sa_family, bytes, text, sizeof text);
    if (!copy_text(name, host, host_size)) return EAI_OVERFLOW;
  }
  if (service != nullptr && service_size > 0) {
    char text[8];
    std::snprintf(text, sizeof text, "%u", port);
    if (!copy_text(text, service, service_size)) return EAI_OVERFLOW;
  }
  return 0;
}

}  // namespace

POLLUX_ENTRY int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                             addrinfo** out) {
  if (!in_run()) {
    auto* real = POLLUX_NEXT(getaddrinfo);
    return real != nullptr ? real(node, service, hints, out) : EAI_SYSTEM;
  }
  return run_getaddrinfo(node, service, hints != nullptr ? *hints : addrinfo{}, out);
}

POLLUX_ENTRY void freeaddrinfo(addrinfo* list) noexcept {
  while (list != nullptr) {
    addrinfo* entry = list;
    list = list->ai_next;
    std::free(entry->ai_canonname);
    std::free(entry);
  }
}

POLLUX_ENTRY int getnameinfo(const sockaddr* address, socklen_t length, char* host,
                             socklen_t host_size, char* service, socklen_t service_size,
                             int flags) {
  if (!in_run()) {
    auto* real = POLLUX_NEXT(getnameinfo);
    return real != nullptr ? real(address, length, host, host_size, service, service_size, flags)
                           : EAI_SYSTEM;
  }
  return run_getnameinfo(address, length, host, host_size, service, service_size, flags);
}

// --- Interfaces: as libc does it, by a request to a socket that lives as long as the call.

namespace {

long ask_for_interface(unsigned long request, ifreq* data) {
  long fd = call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  long answer = call(SYS_ioctl, fd, request, data);
  call(SYS_close, fd);
  return answer;
}

}  // namespace

POLLUX_ENTRY unsigned if_nametoindex(const char* name) noexcept {
  ifreq data = {};
  size_t length = strnlen(name, IFNAMSIZ);
  long answer = length == IFNAMSIZ ? -ENODEV : 0;
  if (answer == 0) {
    std::memcpy(data.ifr_name, name, length);
    answer = ask_for_interface(SIOCGIFINDEX, &data);
  }
  if (answer >= 0) return static_cast<unsigned>(data.ifr_ifindex);
  result(answer);
  return 0;
}

POLLUX_ENTRY char* if_indextoname(unsigned index, char* name) noexcept {
  ifreq data = {};
  data.ifr_ifindex = static_cast<int>(index);
  long answer = ask_for_interface(SIOCGIFNAME, &data);
  if (answer < 0) {
    result(answer == -ENODEV ? -ENXIO : answer);
    return nullptr;
  }
  std::memcpy(name, data.ifr_name, IFNAMSIZ);
  return name;
}

// The name of the host comes from the kernel.
POLLUX_ENTRY int uname(utsname* out) noexcept { return result(call(SYS_uname, out)); }

POLLUX_ENTRY int gethostname(char* name, size_t size) noexcept {
  utsname system;
  long value = call(SYS_uname, &system);
  if (value < 0) return result(value);
  size_t length = strnlen(system.nodename, sizeof system.nodename - 1) + 1;
  std::memcpy(name, system.nodename, std::min(length, size));
  return result(length > size ? -ENAMETOOLONG : 0);  // gethostname(2)
}
