// SPDX-License-Identifier: MIT
//
// The network interfaces of every host: lo with 127/8, and eth0 with the host's address, by which
// hosts reach each other.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/host.h"
#include "kernel/inet_address.h"

namespace pollux::kernel {

inline constexpr int kLo = 1, kEth0 = 2;  // their indices; 0: none

inline int interface_named(std::string_view name) {
  return name == "lo" ? kLo : name == "eth0" ? kEth0 : 0;
}
inline const char* name_of_interface(int index) {
  return index == kLo ? "lo" : index == kEth0 ? "eth0" : nullptr;
}
// Which one has the address (ip_dev_find); 0: none.
inline int interface_with(uint32_t ip, unsigned host) {
  if (ip >> 24 == 127) return kLo;
  return ip == address_of_host(host) ? kEth0 : 0;
}

inline bool is_multicast(uint32_t ip) { return ip >> 28 == 0xE; }

}  // namespace pollux::kernel
