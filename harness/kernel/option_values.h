// SPDX-License-Identifier: MIT
//
// How getsockopt and setsockopt pass values: argument 3 points to them, argument 4 is their length.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"

namespace pollux::kernel {

inline long value_from(const Arguments& a, int* value) {
  if (static_cast<socklen_t>(a[4]) < sizeof(int)) return -EINVAL;
  if (bad_address(a.pointer<void>(3))) return -EFAULT;
  std::memcpy(value, a.pointer<void>(3), sizeof *value);
  return 0;
}

inline long answer(const Arguments& a, const void* value, socklen_t size) {
  auto* length = a.pointer<socklen_t>(4);
  if (bad_address(length)) return -EFAULT;
  if (static_cast<int>(*length) < 0) return -EINVAL;
  *length = std::min(*length, size);
  if (*length != 0) {
    if (bad_address(a.pointer<void>(3))) return -EFAULT;
    std::memcpy(a.pointer<void>(3), value, *length);
  }
  return 0;
}

inline long answer(const Arguments& a, int value) { return answer(a, &value, sizeof value); }

// --- ip_options.cc
long set_ip_option(class InetSocket*, const Arguments&);
long get_ip_option(class InetSocket*, const Arguments&);
long set_ipv6_option(class InetSocket*, const Arguments&);
long get_ipv6_option(class InetSocket*, const Arguments&);

}  // namespace pollux::kernel
