// SPDX-License-Identifier: MIT
#include "netpoll/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>
#include <cstring>

namespace netpoll {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number* out) {
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return err == std::errc() && end == text.data() + text.size() && !text.empty();
}

// The interface's name where it still has one, as Go's zone cache.
std::string zone(uint32_t scope_id) {
  char name[IF_NAMESIZE];
  return if_indextoname(scope_id, name) ? name : std::to_string(scope_id);
}

bool parse_zone(std::string_view text, uint32_t* scope_id) {
  *scope_id = if_nametoindex(std::string(text).c_str());
  return *scope_id != 0 || parse_number(text, scope_id);
}

}  // namespace

std::string Ipv4Endpoint::to_string() const { return Address(*this).to_string(); }

Address::Address(Ipv4Endpoint e) : port_(e.port), family_(Family::ipv4) {
  const uint32_t address = htonl(e.address_host_order);
  std::memcpy(bytes_.data(), &address, sizeof address);
}

Address::Address(const Ipv6Endpoint& e)
    : bytes_(e.address), scope_id_(e.scope_id), port_(e.port), family_(Family::ipv6) {}

Address Address::unix_name(std::string_view name) {
  Address a;
  a.family_ = Family::unix_name;
  if (!name.empty()) a.name_ = std::make_shared<const std::string>(name);
  return a;
}

std::optional<Address> Address::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  if (colon == text.npos || !parse_number(text.substr(colon + 1), &port)) return {};
  std::string_view host = text.substr(0, colon);
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') {
    in_addr v4{};
    if (inet_pton(AF_INET, std::string(host).c_str(), &v4) != 1) return {};
    return Address(Ipv4Endpoint{ntohl(v4.s_addr), port});
  }
  host = host.substr(1, host.size() - 2);
  Ipv6Endpoint e;
  e.port = port;
  const size_t percent = host.find('%');
  if (percent != host.npos && !parse_zone(host.substr(percent + 1), &e.scope_id)) return {};
  if (inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), e.address.data()) != 1) {
    return {};
  }
  return Address(e);
}

Ipv4Endpoint Address::ipv4() const {
  if (family_ != Family::ipv4) return {};
  uint32_t address;
  std::memcpy(&address, bytes_.data(), sizeof address);
  return {ntohl(address), port_};
}

Ipv6Endpoint Address::ipv6() const {
  if (family_ != Family::ipv6) return {};
  return {bytes_, port_, scope_id_};
}

std::string_view Address::unix_name() const { return name_ ? *name_ : std::string_view(); }

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN];
  switch (family_) {
    case Family::none:
      return "";
    case Family::ipv4:
      return inet_ntop(AF_INET, bytes_.data(), text, sizeof text);
    case Family::ipv6: {
      std::string s = inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
      return scope_id_ != 0 ? s + "%" + zone(scope_id_) : s;
    }
    case Family::unix_name:
      return name_ ? *name_ : "@";
  }
  return "";
}

std::string Address::to_string() const {
  const std::string s = host();
  switch (family_) {
    case Family::ipv4:
      return s + ":" + std::to_string(port_);
    case Family::ipv6:
      return "[" + s + "]:" + std::to_string(port_);
    default:
      return s;
  }
}

bool operator==(const Address& a, const Address& b) {
  return a.family_ == b.family_ && a.port_ == b.port_ && a.scope_id_ == b.scope_id_ &&
         a.bytes_ == b.bytes_ && a.unix_name() == b.unix_name();
}

}  // namespace netpoll
