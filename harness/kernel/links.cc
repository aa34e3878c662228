// SPDX-License-Identifier: MIT
//
// The network between hosts. What it is made of:
//
//   links.cc         this file: links, their latency, bandwidth, buffer, cuts; hosts that are down
//   tcp_network.cc   packets of TCP as entries of the timeline, one first-in first-out way per
//                    stream; it asks here when each packet is there
//   tcp_recovery.cc  what TCP does about a lost packet: it is late; or ETIMEDOUT; keep-alive
//   udp.cc           the same for datagrams, with the faults of posix/io/net/udp; a link's own
//                    loss, doubling and overtaking take the very same turns
//   host_crash.cc    a host is off, and on again
//   network_rules.cc rules with a beginning and an end, from a plan or from RAII objects
//
// A packet is lost when its link is cut at the moment when it is sent or at the moment when it
// would arrive, when either host is down then, when the link's buffer has no room, or when the run
// chooses so (net/loss). All but the last are facts, so a plan that is constant in everything asks
// nothing of the strategy and its times are exact:
//
//   leaves   max(now, when the packet before has left) + bytes / bytes_per_second
//   arrives  leaves + latency, and on one stream never before what was sent on it earlier
//
// Acknowledgements have no packets of their own unless somebody waits for one (tcp_network.cc), so
// they take no bandwidth and are not lost by chance; a cut stops them like everything else.
#include "kernel/links.h"

#include <algorithm>

#include "kernel/check.h"

namespace pollux::kernel {

explore::NeverDestroyed<Links> links_storage;

namespace {

constexpr uint32_t kFirstAddress = 0x0A000001;  // 10.0.0.1
constexpr uint32_t kLatencies = 64;             // outcomes of net/latency
constexpr Time kSecond = 1'000'000'000;

bool happens(Site site, uint32_t one_in) {
  if (one_in == 0) return false;
  return one_in == 1 || explore::choose(site, one_in) != 0;
}

}  // namespace

void Links::reset(const NetworkPlan* plan) {
  if (shaped_) {
    for (const Link& each : links_) index_[each.from * kHosts + each.to] = 0;
    links_.clear();
    isolated_ = {};
    default_ = {};
    shaped_ = false;
  }
  down_since_.fill(kNever);
  if (addresses_planned_ || addresses_[0] == 0) {
    for (unsigned host = 0; host < kHosts; ++host) addresses_[host] = kFirstAddress + host;
    addresses_planned_ = false;
  }
  if (plan == nullptr) return;
  shaped_ = true;
  default_ = plan->link;
  for (const LinkPlan& each : plan->links) {
    Link& made = link(each.from, each.to);
    made.options = made.planned = each.options;
  }
  for (size_t host = 0; host < plan->hosts.size() && host < kHosts; ++host) {
    if (plan->hosts[host].address == 0) continue;
    addresses_[host] = plan->hosts[host].address;
    addresses_planned_ = true;
  }
}

const Links::Link* Links::find(unsigned from, unsigned to) const {
  uint16_t place = index_[from * kHosts + to];
  return place == 0 ? nullptr : &links_[place - 1u];
}

Links::Link& Links::link(unsigned from, unsigned to) {
  POLLUX_KERNEL_CHECK(from < kHosts && to < kHosts);
  uint16_t& place = index_[from * kHosts + to];
  if (place == 0) {
    LinkOptions planned = from == to ? LinkOptions{} : default_;
    links_.push_back({from, to, planned, planned, {}, 0, 0, 0});
    place = static_cast<uint16_t>(links_.size());
  }
  return links_[place - 1u];
}

const LinkOptions& Links::options(unsigned from, unsigned to) const {
  static constexpr LinkOptions kPlain{};
  const Link* found = find(from, to);
  return found != nullptr ? found->options : from == to ? kPlain : default_;
}

// --- Packets

bool Links::open(unsigned from, unsigned to) const {
  if (!shaped_) return true;
  if (is_down(from) || is_down(to)) return false;
  if (from != to && (isolated_[from] != 0 || isolated_[to] != 0)) return false;
  const Link* found = find(from, to);
  return found == nullptr || found->cuts == 0;
}

Time Links::latency(const LinkOptions& options) {
  const Latency& wanted = options.latency;
  switch (wanted.shape) {
    case Latency::Shape::as_run:
      return network_delay();
    case Latency::Shape::constant:
      return wanted.min_ns;
    case Latency::Shape::uniform: {
      int64_t step = explore::choose(site::kNetLatency, kLatencies);
      return wanted.min_ns + (wanted.max_ns - wanted.min_ns) * step / (kLatencies - 1);
    }
    case Latency::Shape::heavy_tail: {
      // The quantile of a Pareto distribution with shape 1 between min and max.
      __int128 step = explore::choose(site::kNetLatency, kLatencies);
      __int128 min = wanted.min_ns, max = wanted.max_ns, last = kLatencies - 1;
      return static_cast<Time>(min * max * last / (max * last - step * (max - min)));
    }
  }
  return 0;
}

Time Links::send_notice(unsigned from, unsigned to) const {
  if (!shaped_) return now() + network_delay();
  if (!open(from, to)) return kNever;
  return now() + latency(options(from, to));
}

Time Links::send_shaped(unsigned from, unsigned to, uint64_t bytes) {
  if (!open(from, to)) return kNever;
  const LinkOptions& wanted = options(from, to);
  if (happens(site::kNetLoss, wanted.loss_one_in)) return kNever;
  Time leaves = now();
  if (wanted.bytes_per_second != 0) {
    Link& used = link(from, to);
    auto time_of = [&used](uint64_t size) {
      return static_cast<Time>(static_cast<__int128>(size) * kSecond /
                               used.options.bytes_per_second);
    };
    if (used.busy_until > leaves) {
      Time room = time_of(static_cast<uint64_t>(used.options.buffer_bytes));
      if (used.options.buffer_bytes != 0 && used.busy_until - leaves + time_of(bytes) > room) {
        return kNever;
      }
      leaves = used.busy_until;
    }
    leaves += time_of(bytes);
    used.busy_until = leaves;
  }
  return leaves + latency(options(from, to));
}

Time Links::least_round_trip(unsigned from, unsigned to) const {
  auto least = [this](unsigned a, unsigned b) {
    const Latency& wanted = options(a, b).latency;
    return wanted.shape == Latency::Shape::as_run ? state.delays[0] : wanted.min_ns;
  };
  return least(from, to) + least(to, from);
}

Time Links::longest_latency(unsigned from, unsigned to) const {
  const Latency& wanted = options(from, to).latency;
  return wanted.shape == Latency::Shape::as_run ? state.delays[kDelays - 1] : wanted.max_ns;
}

bool Links::doubles(unsigned from, unsigned to) const {
  return shaped_ && happens(site::kNetDuplicate, options(from, to).duplicate_one_in);
}

bool Links::overtakes(unsigned from, unsigned to) const {
  return shaped_ && happens(site::kNetReorder, options(from, to).reorder_one_in);
}

// --- Addresses

int Links::host_with(uint32_t address) const {
  if (!addresses_planned_) {
    uint32_t number = address - kFirstAddress;
    return number < kHosts ? static_cast<int>(number) : -1;
  }
  for (unsigned host = 0; host < kHosts; ++host) {
    if (addresses_[host] == address) return static_cast<int>(host);
  }
  return -1;
}

// --- Changes

void Links::cut(unsigned from, unsigned to, bool on) {
  shaped_ = true;
  link(from, to).cuts += on ? 1u : ~0u;
}

void Links::isolate(unsigned host, bool on) {
  shaped_ = true;
  isolated_[host] += on ? 1u : ~0u;
}

void Links::change(unsigned from, unsigned to, uint32_t id, const LinkOptions& options) {
  shaped_ = true;
  Link& changed = link(from, to);
  changed.changes.push_back({id, options});
  changed.options = options;
}

void Links::change_back(unsigned from, unsigned to, uint32_t id) {
  Link& changed = link(from, to);
  std::erase_if(changed.changes, [id](const Change& each) { return each.id == id; });
  changed.options = changed.changes.empty() ? changed.planned : changed.changes.back().options;
}

void Links::set_down(unsigned host, bool on) {
  shaped_ = true;
  down_since_[host] = on ? now() : kNever;
}

}  // namespace pollux::kernel
