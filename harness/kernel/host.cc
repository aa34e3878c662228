// SPDX-License-Identifier: MIT
#include "kernel/host.h"

#include <sys/mman.h>

#include <cerrno>

#include "kernel/links.h"
#include "kernel/state.h"

namespace pollux::kernel {
namespace {

constexpr size_t kPorts = 65536;
constexpr int64_t kTimeWaitNs = 60LL * 1'000'000'000;  // TCP_TIMEWAIT_LEN

constexpr auto& hosts = host_storage.value;

}  // namespace

explore::NeverDestroyed<Host[kHosts]> host_storage;

void begin_host(unsigned number) {
  Host& found = hosts[number];
  found.used = true;
  found.fds.reset(static_cast<int>(state.options.fd_limit));
  found.ports.reset();
  found.udp_ports.reset();
  found.unix_names.reset();
  found.signals.reset();
  found.loopback = number;
  found.spared = false;
  found.process = 0;
}

long process_id(unsigned number) {
  Host& asked = host(number);
  for (unsigned id = 0; id < explore::thread_count() && asked.process == 0; ++id) {
    const explore::ThreadInfo thread = explore::thread_info(static_cast<Actor>(id));
    if (thread.alive && thread.host == number) asked.process = state.first_tid + id;
  }
  return asked.process;
}

bool host_used(unsigned number) { return hosts[number].used; }

void reset_hosts() {
  for (Host& each : hosts) each.used = false;
}

Host& current() { return host(explore::current_host()); }

uint32_t address_of_host(unsigned number) { return links.address_of(number); }

int host_of_address(uint32_t ip, unsigned self) {
  if (ip == 0 || ip >> 24 == 127) return static_cast<int>(host(self).loopback);
  return links.host_with(ip);
}

// --- Descriptors

int FdTable::lowest_free(int from) const {
  size_t index = static_cast<size_t>(from - kFdBase);
  size_t word = index / 64;
  bool from_start = word <= first_word_;
  if (from_start && index <= first_word_ * 64) {
    word = first_word_;
    index = word * 64;
  }
  uint64_t mask = ~uint64_t{0} << (index % 64);
  for (; word < used_.size(); ++word, mask = ~uint64_t{0}) {
    uint64_t free = ~used_[word] & mask;
    if (free != 0) {
      if (from_start) first_word_ = word;
      return kFdBase + static_cast<int>(word * 64) + __builtin_ctzll(free);
    }
  }
  size_t end = used_.size() * 64;
  return kFdBase + static_cast<int>(end > index ? end : index);
}

void FdTable::mark(int fd, bool is_used) {
  size_t index = static_cast<size_t>(fd - kFdBase);
  size_t word = index / 64;
  if (word >= used_.size()) used_.resize(word + 1, 0);
  if (is_used) {
    used_[word] |= uint64_t{1} << (index % 64);
  } else {
    used_[word] &= ~(uint64_t{1} << (index % 64));
    if (word < first_word_) first_word_ = word;
  }
}

int FdTable::install(File* file, bool close_on_exec, int from) {
  int fd = lowest_free(from < kFdBase ? kFdBase : from);
  if (fd >= limit_ || fd >= kFdBase + kFdCount) return -EMFILE;
  mark(fd, true);
  size_t index = static_cast<size_t>(fd - kFdBase);
  if (index >= slots_.size()) slots_.resize(index + 1);
  slots_[index] = {file, close_on_exec, kNetwork};
  file->hold();
  return fd;
}

void FdTable::install_at(int fd, File* file, bool close_on_exec) {
  file->hold();
  if (get(fd) != nullptr) close(fd);
  mark(fd, true);
  size_t index = static_cast<size_t>(fd - kFdBase);
  if (index >= slots_.size()) slots_.resize(index + 1);
  slots_[index] = {file, close_on_exec, kNetwork};
}

long FdTable::close(int fd) {
  File* file = get(fd);
  if (file == nullptr) return -EBADF;
  slots_[static_cast<size_t>(fd - kFdBase)] = {nullptr, false, explore::current_thread()};
  mark(fd, false);
  limit_ = squeezed_from_;
  file->drop();
  return 0;
}

void FdTable::reset(int limit) {
  slots_.clear();
  used_.clear();
  first_word_ = 0;
  set_limit(limit);
}

// --- Ports

Ports::~Ports() {
  if (buckets_ != nullptr) munmap(buckets_, kPorts * sizeof(Bucket));
}

Ports::Bucket& Ports::bucket(uint16_t port) {
  if (buckets_ == nullptr) {
    void* memory = mmap(nullptr, kPorts * sizeof(Bucket), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    POLLUX_KERNEL_CHECK(memory != MAP_FAILED);
    buckets_ = static_cast<Bucket*>(memory);
  }
  Bucket& found = buckets_[port];
  if (!found.touched) {
    found.touched = true;
    touched_.push_back(port);
  }
  return found;
}

void Ports::reset() {
  for (uint16_t port : touched_) buckets_[port] = Bucket{};
  touched_.clear();
  next_odd_ = kEphemeralFirst + 1;
  next_even_ = kEphemeralFirst;
}

bool Ports::conflicts(const TcpSocket* socket) const {
  if (buckets_ == nullptr) return false;
  const Bucket& found = buckets_[socket->local.port];
  auto clash = [&](const TcpSocket* other) {
    if (other == socket) return false;
    if (!socket->overlaps(*other)) return false;
    if (socket->reuse_port && other->reuse_port) return false;
    return !(socket->reuse_address && other->reuse_address &&
             other->state != TcpSocket::State::listen);
  };
  for (const TcpSocket* other = found.listeners; other != nullptr; other = other->next_of_port) {
    if (clash(other)) return true;
  }
  for (const TcpSocket* other = found.others; other != nullptr; other = other->next_of_port) {
    if (clash(other)) return true;
  }
  // A connection in TIME_WAIT counts as a socket that is not listening.
  return found.time_wait_until > now() && !(socket->reuse_address && found.time_wait_reuse);
}

void Ports::add(TcpSocket* socket) {
  Bucket& found = bucket(socket->local.port);
  TcpSocket*& head = socket->state == TcpSocket::State::listen ? found.listeners : found.others;
  socket->previous_of_port = nullptr;
  socket->next_of_port = head;
  if (head != nullptr) head->previous_of_port = socket;
  head = socket;
  socket->in_port_table = true;
}

void Ports::remove(TcpSocket* socket) {
  Bucket& found = bucket(socket->local.port);
  if (socket->previous_of_port != nullptr) {
    socket->previous_of_port->next_of_port = socket->next_of_port;
  } else {
    (found.listeners == socket ? found.listeners : found.others) = socket->next_of_port;
  }
  if (socket->next_of_port != nullptr) {
    socket->next_of_port->previous_of_port = socket->previous_of_port;
  }
  socket->in_port_table = false;
}

void Ports::start_ephemeral(unsigned number) {
  constexpr uint32_t kShare = (kEphemeralLast - kEphemeralFirst + 1) / kHosts & ~1u;
  next_even_ = kEphemeralFirst + number * kShare;
  next_odd_ = next_even_ + 1;
}

bool Ports::is_free(uint16_t port) const {
  if (buckets_ == nullptr) return true;
  const Bucket& found = buckets_[port];
  return found.listeners == nullptr && found.others == nullptr && found.time_wait_until <= now();
}

// __inet_check_established: a port that connects took serves as many as there are destinations.
bool Ports::may_share(uint16_t port, Address to) const {
  const Bucket& found = buckets_[port];
  if (found.listeners != nullptr) return false;
  for (const TcpSocket* other = found.others; other != nullptr; other = other->next_of_port) {
    if (!other->bound_by_connect || other->remote == to) return false;
  }
  return found.time_wait_until <= now() ||
         (found.time_wait_peer.port != 0 && found.time_wait_peer != to);
}

uint16_t Ports::ephemeral(uint32_t range, const Address* to) {
  if (range != 0) {  // all of them in turn: few
    PortRange ports(range);
    for (uint32_t at = ports.first; at <= ports.last; ++at) {
      uint16_t port = static_cast<uint16_t>(at);
      if (is_free(port) || (to != nullptr && may_share(port, *to))) return port;
    }
    return 0;
  }
  // inet_csk_find_open_port and __inet_hash_connect prefer one parity each, then take the other.
  bool for_connect = to != nullptr;
  for (bool preferred : {true, false}) {
    uint32_t& next = for_connect == preferred ? next_even_ : next_odd_;
    for (bool share : {false, true}) {
      if (share && !for_connect) continue;
      for (uint32_t tries = (kEphemeralLast - kEphemeralFirst + 1) / 2; tries != 0; --tries) {
        uint16_t port = static_cast<uint16_t>(next);
        next += 2;
        if (next > kEphemeralLast) next = kEphemeralFirst + (next & 1);
        if (share ? may_share(port, *to) : is_free(port)) return port;
      }
    }
  }
  return 0;
}

TcpSocket* Ports::find_listener(Address to) const {
  if (buckets_ == nullptr) return nullptr;
  // A listener on the very address wins over one on any (compute_score).
  TcpSocket* any = nullptr;
  for (TcpSocket* at = buckets_[to.port].listeners; at != nullptr; at = at->next_of_port) {
    if (!at->hears(to)) continue;
    if (at->local.ip != 0) return at;
    if (any == nullptr || any->local.six != to.six) any = at;
  }
  return any;
}

void Ports::time_wait(const TcpSocket* socket) {
  Bucket& found = bucket(socket->local.port);
  Address peer = socket->bound_by_connect ? socket->remote : Address();
  bool alone = found.time_wait_until <= now();
  found.time_wait_peer = alone || found.time_wait_peer == peer ? peer : Address();
  found.time_wait_until = now() + kTimeWaitNs;
  found.time_wait_reuse = socket->reuse_address;
}

}  // namespace pollux::kernel
