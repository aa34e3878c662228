// SPDX-License-Identifier: MIT
//
// A host: what a process and its machine have of their own. Its descriptor table, its ports.
#pragma once

#include <cstdint>
#include <vector>

#include "explore/never_destroyed.h"
#include "kernel/check.h"
#include "kernel/kernel.h"
#include "kernel/signals.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "kernel/udp.h"
#include "kernel/unix_socket.h"

namespace pollux::kernel {

// /proc/sys/net/ipv4/ip_local_port_range
inline constexpr uint32_t kEphemeralFirst = 32768;
inline constexpr uint32_t kEphemeralLast = 60999;

// The ports of a socket with IP_LOCAL_PORT_RANGE `range` (inet_sk_get_local_port_range): an end of
// it that lies outside of the host's own is not heeded.
struct PortRange {
  explicit PortRange(uint32_t range) {
    uint32_t least = range & 0xFFFF, greatest = range >> 16;
    if (least >= kEphemeralFirst && least <= kEphemeralLast) first = least;
    if (greatest >= kEphemeralFirst && greatest <= kEphemeralLast) last = greatest;
  }
  uint32_t first = kEphemeralFirst, last = kEphemeralLast;
};

// Descriptors of one host, lowest free number first.
class FdTable {
 public:
  File* get(int fd) const {
    size_t index = static_cast<unsigned>(fd) - kFdBase;
    return index < slots_.size() ? slots_[index].file : nullptr;
  }
  // Takes a reference to the file. -EMFILE when no number from `from` below the limit is free.
  int install(File*, bool close_on_exec, int from = kFdBase);
  // Is there a free number at all? (get_unused_fd_flags)
  bool full() const { return lowest_free(kFdBase) >= limit_; }
  // Puts the file at exactly this number, whatever is there is closed.
  void install_at(int fd, File*, bool close_on_exec);
  long close(int fd);
  // Who closed the number that is not open; kNetwork: it never was.
  Actor closed_by(int fd) const {
    size_t index = static_cast<unsigned>(fd) - kFdBase;
    return index < slots_.size() ? slots_[index].closed_by : kNetwork;
  }
  bool close_on_exec(int fd) const { return slots_[fd - kFdBase].close_on_exec; }
  void set_close_on_exec(int fd, bool on) { slots_[fd - kFdBase].close_on_exec = on; }

  int limit() const { return limit_; }
  void set_limit(int limit) { limit_ = squeezed_from_ = limit; }
  // The limit drops to what is open now, until something is closed or the limit is set.
  void squeeze() { limit_ = lowest_free(kFdBase); }

  // Forgets everything; drops no references.
  void reset(int limit);

  // First number that was never used since reset.
  int end() const { return kFdBase + static_cast<int>(slots_.size()); }

 private:
  struct Slot {
    File* file = nullptr;
    bool close_on_exec = false;
    Actor closed_by = kNetwork;
  };
  int lowest_free(int from) const;
  void mark(int fd, bool used);

  std::vector<Slot> slots_;
  std::vector<uint64_t> used_;     // bit per number
  mutable size_t first_word_ = 0;  // no free number in the words below
  int limit_ = kFdBase;
  int squeezed_from_ = kFdBase;  // what the limit is when nothing squeezes it
};

// The TCP ports of one host (the bind table).
class Ports {
 public:
  Ports() = default;
  ~Ports();
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  // May the socket use local.port at local.ip (inet_csk_bind_conflict)?
  bool conflicts(const TcpSocket*) const;
  void add(TcpSocket*);
  void remove(TcpSocket*);
  // For bind, or for connect to `to`. 0 when none is left. Odd numbers for bind, even ones for
  // connect; `range` is that of the socket, if it has one.
  uint16_t ephemeral(uint32_t range, const Address* to = nullptr);
  // Takes them from elsewhere in the range, so that hosts that share a loopback do not meet there.
  void start_ephemeral(unsigned host);
  TcpSocket* find_listener(Address) const;
  void time_wait(const TcpSocket*);

  void reset();

 private:
  struct Bucket {
    TcpSocket* listeners;
    TcpSocket* others;
    int64_t time_wait_until;
    Address time_wait_peer;  // of all of them; with port 0: of several, or a port that bind took
    bool time_wait_reuse;
    bool touched;
  };
  Bucket& bucket(uint16_t port);
  bool is_free(uint16_t port) const;
  bool may_share(uint16_t port, Address to) const;

  Bucket* buckets_ = nullptr;  // zero pages until touched
  std::vector<uint16_t> touched_;
  uint32_t next_odd_ = 0, next_even_ = 0;
};

struct Host {
  FdTable fds;
  Ports ports;
  UdpPorts udp_ports;
  UnixNames unix_names;
  ProcessSignals signals;
  unsigned loopback = 0;  // whose 127.0.0.0/8 and ::1 it sees: mostly its own number
  bool spared = false;    // no failure point fires in its calls
  long process = 0;       // its process id; 0: nobody has asked yet
  bool used = false;
};

// The host of the running thread, or of that number.
Host& current();
extern explore::NeverDestroyed<Host[kHosts]> host_storage;
void begin_host(unsigned number);
inline Host& host(unsigned number) {
  POLLUX_KERNEL_CHECK(number < kHosts);
  Host& found = host_storage.value[number];
  if (__builtin_expect(!found.used, 0)) begin_host(number);
  return found;
}
bool host_used(unsigned number);
// The process on a host has the id of its main thread.
long process_id(unsigned host);
// Forgets all hosts.
void reset_hosts();

// --- host_crash.cc
// The machine is off: its threads never run again, its sockets are gone and tell nobody. Not for
// the host of the running thread unless from the timeline. Returns how many threads of those that
// World added were there.
unsigned crash_host(unsigned number);
// It is on again, as after boot: nothing is open.
void restart_host(unsigned number);

// 10.0.0.(host+1), unless the network's plan says otherwise.
uint32_t address_of_host(unsigned host);
// Which host an address means to `self`: 127/8 and 0.0.0.0 are oneself, or whose loopback it sees.
// Below zero: no route.
int host_of_address(uint32_t ip, unsigned self);

}  // namespace pollux::kernel
