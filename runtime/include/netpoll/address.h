// SPDX-License-Identifier: MIT
// Where a socket can be: an IPv4 or IPv6 address with a port, or a name in the unix domain.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace netpoll {

// An IPv4 address and port, both in host byte order. Port 0 asks a listener for any free port.
struct Ipv4Endpoint {
  uint32_t address_host_order = 0;
  uint16_t port = 0;

  static constexpr Ipv4Endpoint loopback(uint16_t port) { return {0x7f000001u, port}; }
  static constexpr Ipv4Endpoint any(uint16_t port) { return {0, port}; }
  friend constexpr bool operator==(const Ipv4Endpoint&, const Ipv4Endpoint&) = default;
  std::string to_string() const;  // "127.0.0.1:80"
};

// An IPv6 address, first byte first, and a port in host byte order. `scope_id` names the network
// interface (if_nametoindex) that a link-local address belongs to; 0 for all other addresses.
struct Ipv6Endpoint {
  std::array<uint8_t, 16> address{};
  uint16_t port = 0;
  uint32_t scope_id = 0;

  static constexpr Ipv6Endpoint loopback(uint16_t port) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, port, 0};
  }
  static constexpr Ipv6Endpoint any(uint16_t port) { return {{}, port, 0}; }
  friend constexpr bool operator==(const Ipv6Endpoint&, const Ipv6Endpoint&) = default;
};

// Any of them, or none. A value: copying allocates nothing. IPv4 and IPv6 are stored in place; a
// unix name is shared between copies, and making one allocates.
class Address {
 public:
  enum class Family : uint8_t { none, ipv4, ipv6, unix_name };

  Address() = default;
  Address(Ipv4Endpoint e);         // NOLINT: an endpoint is an address
  Address(const Ipv6Endpoint& e);  // NOLINT
  // A path, or "@name" for a name in the abstract namespace (unix(7)), or "" for a socket without a
  // name. Too long a name is an error (EINVAL) when it is used.
  static Address unix_name(std::string_view name);
  // "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80"; numbers only, no names of hosts. Empty if the
  // text is none of these.
  static std::optional<Address> parse(std::string_view text);

  Family family() const { return family_; }
  bool empty() const { return family_ == Family::none; }
  uint16_t port() const { return port_; }  // 0 for unix names
  Ipv4Endpoint ipv4() const;               // zero if it is not IPv4
  Ipv6Endpoint ipv6() const;               // zero if it is not IPv6
  std::string_view unix_name() const;      // empty if it is no unix name
  // As Go prints it: "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "/run/x", "@abstract"; "@"
  // for a unix socket without a name, "" for none.
  std::string to_string() const;
  // The same without the port.
  std::string host() const;

  friend bool operator==(const Address& a, const Address& b);

 private:
  std::shared_ptr<const std::string> name_;  // null: a unix socket without a name
  std::array<uint8_t, 16> bytes_{};          // network order; IPv4 in the first four
  uint32_t scope_id_ = 0;
  uint16_t port_ = 0;
  Family family_ = Family::none;
};

}  // namespace netpoll
