// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "kernel/check.h"
#include "kernel/host.h"
#include "kernel/pools.h"
#include "kernel/udp.h"

namespace pollux::kernel {
namespace {

constexpr size_t kPorts = 65536;

// udp4_lib_lookup2, compute_score: a connected socket hears its peer only, and is preferred; so is
// one on the very address. Below zero: it is not for this socket.
int score(const UdpSocket* socket, Address from, Address to) {
  int score = 0;
  if (!socket->hears(to)) return -1;
  if (socket->local.ip != 0) score += 2;
  if (socket->local.six == to.six) score += 1;  // before one that hears both families
  if (socket->connected) {
    if (socket->remote != from) return -1;
    score += 4;
  }
  return score;
}

Datagram* copy_of(const Datagram& original) {
  Datagram* copy = pools.datagrams.take();
  iovec vector{original.bytes.get(), original.size};
  copy->fill({&vector, 1, original.size}, original.size);
  copy->cost = original.cost;
  copy->from = original.from;
  copy->to = original.to;
  copy->interface = original.interface;
  copy->sender = original.sender;
  copy->sender_generation = original.sender_generation;
  copy->from_host = original.from_host;
  copy->host = original.host;
  return copy;
}

}  // namespace

UdpPorts::~UdpPorts() {
  if (heads_ != nullptr) munmap(heads_, kPorts * sizeof(UdpSocket*));
}

UdpSocket*& UdpPorts::head(uint16_t port) {
  if (heads_ == nullptr) {
    void* memory = mmap(nullptr, kPorts * sizeof(UdpSocket*), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    POLLUX_KERNEL_CHECK(memory != MAP_FAILED);
    heads_ = static_cast<UdpSocket**>(memory);
  }
  return heads_[port];
}

void UdpPorts::reset() {
  for (uint16_t port : touched_) heads_[port] = nullptr;
  touched_.clear();
  next_ = kEphemeralFirst;
}

bool UdpPorts::conflicts(const UdpSocket* socket) const {
  if (heads_ == nullptr) return false;
  for (UdpSocket* other = heads_[socket->local.port]; other != nullptr;
       other = other->next_of_port) {
    bool both_reuse_address = socket->reuse_address && other->reuse_address;
    bool both_reuse_port = socket->reuse_port && other->reuse_port;
    if (other != socket && socket->overlaps(*other) && !both_reuse_address && !both_reuse_port)
      return true;
  }
  return false;
}

void UdpPorts::add(UdpSocket* socket) {
  UdpSocket*& first = head(socket->local.port);
  if (first == nullptr) touched_.push_back(socket->local.port);
  socket->next_of_port = first;
  socket->link_of_port = &first;
  if (first != nullptr) first->link_of_port = &socket->next_of_port;
  first = socket;
}

void UdpPorts::remove(UdpSocket* socket) {
  *socket->link_of_port = socket->next_of_port;
  if (socket->next_of_port != nullptr) socket->next_of_port->link_of_port = socket->link_of_port;
  socket->next_of_port = nullptr;
  socket->link_of_port = nullptr;
}

uint16_t UdpPorts::ephemeral(uint32_t range) {
  if (range != 0) {
    PortRange ports(range);
    for (uint32_t port = ports.first; port <= ports.last; ++port) {
      if (head(static_cast<uint16_t>(port)) == nullptr) return static_cast<uint16_t>(port);
    }
    return 0;
  }
  for (uint32_t tries = kEphemeralLast - kEphemeralFirst + 1; tries != 0; --tries) {
    auto port = static_cast<uint16_t>(next_);
    if (++next_ > kEphemeralLast) next_ = kEphemeralFirst;
    if (head(port) == nullptr) return port;
  }
  return 0;
}

// __udp4_lib_mcast_deliver. Nothing comes in unless somebody here has joined (ip_check_mc_rcu).
void UdpPorts::deliver_to_group(Datagram* datagram) {
  bool joined = false;
  for (uint16_t port : touched_) {
    for (UdpSocket* at = heads_[port]; at != nullptr && !joined; at = at->next_of_port) {
      joined = at->groups.has(datagram->to.ip, datagram->interface);
    }
  }
  UdpSocket* last = nullptr;
  UdpSocket* first = heads_ != nullptr && joined ? heads_[datagram->to.port] : nullptr;
  for (UdpSocket* at = first; at != nullptr; at = at->next_of_port) {
    if (!at->hears_group(*datagram)) continue;
    if (last != nullptr) last->enqueue(copy_of(*datagram));
    last = at;
  }
  if (last != nullptr) {
    last->enqueue(datagram);
  } else {
    pools.datagrams.give(datagram);
  }
}

UdpSocket* UdpPorts::find(Address from, Address to) const {
  if (heads_ == nullptr) return nullptr;
  UdpSocket* best = nullptr;
  int best_score = -1;
  uint32_t equals = 0;
  // Of equals the one that was bound last, as it is at the head of the chain ...
  for (UdpSocket* at = heads_[to.port]; at != nullptr; at = at->next_of_port) {
    int its_score = score(at, from, to);
    if (its_score > best_score) {
      best = at;
      best_score = its_score;
      equals = 1;
    } else if (its_score >= 0 && its_score == best_score) {
      ++equals;
    }
  }
  if (equals < 2 || !best->reuse_port || best->connected) return best;
  // ... but of a SO_REUSEPORT group one that depends on who sends, always the same.
  uint32_t turn = from.port % equals;
  for (UdpSocket* at = best;; at = at->next_of_port) {
    if (score(at, from, to) == best_score && turn-- == 0) return at;
  }
}

}  // namespace pollux::kernel
