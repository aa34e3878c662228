// SPDX-License-Identifier: MIT
//
// The links between hosts: does a packet get through, and when is it there?
//
// While nobody has said anything about the network (not shaped()), nothing here is asked: the
// protocols' own path is one latency per packet.
#pragma once

#include <array>
#include <vector>

#include "explore/never_destroyed.h"
#include "kernel/state.h"
#include "pollux/network.h"

namespace pollux::kernel {

class Links {
 public:
  // A run begins. Null: no plan.
  void reset(const NetworkPlan*);

  // Something differs from the default network, or did in this run.
  bool shaped() const { return shaped_; }

  // --- Packets.

  // A packet that is sent now: when it is there. kNever: it is lost.
  Time send(unsigned from, unsigned to, uint64_t bytes) {
    return shaped_ ? send_shaped(from, to, bytes) : now() + network_delay();
  }
  // The same without its own bad luck, and without waiting for a turn: a notice of the kernel's.
  Time send_notice(unsigned from, unsigned to) const;
  // Could a packet that arrives now have come through?
  bool open(unsigned from, unsigned to) const;
  bool is_down(unsigned host) const { return down_since_[host] != kNever; }
  // For how long it has been down; below zero: it is not.
  Time down_for(unsigned host) const { return is_down(host) ? now() - down_since_[host] : -1; }
  // There and back at best.
  Time least_round_trip(unsigned from, unsigned to) const;
  // A datagram's fate besides loss.
  bool doubles(unsigned from, unsigned to) const;
  bool overtakes(unsigned from, unsigned to) const;
  Time longest_latency(unsigned from, unsigned to) const;
  // When the last datagram in turn is there. Good until something else is asked of another link.
  Time& last_datagram(unsigned from, unsigned to) { return link(from, to).last_datagram; }

  // --- Addresses.
  uint32_t address_of(unsigned host) const { return addresses_[host]; }
  // Below zero: nobody's.
  int host_with(uint32_t address) const;

  // --- Changes (network_rules.cc).
  void cut(unsigned from, unsigned to, bool on);
  void isolate(unsigned host, bool on);
  // `id` names the change; of several the last one counts.
  void change(unsigned from, unsigned to, uint32_t id, const LinkOptions&);
  void change_back(unsigned from, unsigned to, uint32_t id);
  void set_down(unsigned host, bool on);

 private:
  struct Change {
    uint32_t id;
    LinkOptions options;
  };
  struct Link {
    unsigned from, to;
    LinkOptions options;  // as they are now
    LinkOptions planned;
    std::vector<Change> changes;
    uint32_t cuts = 0;
    Time busy_until = 0;     // the last bit of what was sent before leaves then
    Time last_datagram = 0;  // is there
  };
  Time send_shaped(unsigned from, unsigned to, uint64_t bytes);
  const Link* find(unsigned from, unsigned to) const;
  Link& link(unsigned from, unsigned to);
  const LinkOptions& options(unsigned from, unsigned to) const;
  static Time latency(const LinkOptions&);

  bool shaped_ = false;
  bool addresses_planned_ = false;
  LinkOptions default_;                              // between different hosts
  std::vector<Link> links_;                          // those that differ, or did
  std::array<uint16_t, kHosts* kHosts> index_ = {};  // 1 + place in links_, by from and to
  std::array<uint32_t, kHosts> isolated_ = {};
  std::array<Time, kHosts> down_since_ = {};  // kNever: it is not
  std::array<uint32_t, kHosts> addresses_ = {};
};

extern explore::NeverDestroyed<Links> links_storage;
static constexpr Links& links = links_storage.value;

}  // namespace pollux::kernel
