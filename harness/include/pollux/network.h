// SPDX-License-Identifier: MIT
//
// The network of a run: what its hosts are called by address, what the links between them are like,
// and what happens to both while the run goes on.
//
// Without a plan and without a rule every host reaches every other, and itself, over a link with
// the latencies of NetworkOptions that loses nothing. A link is one direction from one host to
// another; (a, a) is the loopback of a.
//
// What TCP makes of a bad link is what Linux makes of it: no byte is lost, bytes are late. What is
// lost is sent again after 200 ms and a round trip, then after the double, up to two minutes; who
// gets no answer for the time of tcp_retries2, or of its TCP_USER_TIMEOUT, sees ETIMEDOUT (or
// EHOSTUNREACH, when the other host is down). Datagrams are simply gone. See
// harness/docs/network.md.
//
// Threads: a Network and its rules are used inside of a run, by any of its threads; a plan before.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pollux {

// How long a packet is on its way. Which of the latencies it is, is a choice of the run at the site
// net/latency for each packet, so `constant` asks for none; 0 is the least.
struct Latency {
  enum class Shape : uint8_t {
    as_run,     // that of NetworkOptions, chosen at net/delay
    constant,   // min_ns
    uniform,    // evenly between min_ns and max_ns
    heavy_tail  // bounded Pareto, alpha 1: half of all below about 2 * min_ns, one in 64 at max_ns
  };
  Shape shape = Shape::as_run;
  int64_t min_ns = 0, max_ns = 0;

  static constexpr Latency constant(int64_t ns) { return {Shape::constant, ns, ns}; }
  static constexpr Latency uniform(int64_t min, int64_t max) { return {Shape::uniform, min, max}; }
  // min > 0.
  static constexpr Latency heavy_tail(int64_t min, int64_t max) {
    return {Shape::heavy_tail, min, max};
  }
  friend bool operator==(const Latency&, const Latency&) = default;
};

struct LinkOptions {
  Latency latency;
  int64_t bytes_per_second = 0;  // of payload; 0: as fast as one likes
  // What waits for its turn on the link, at most; a packet for which there is no room is lost, but
  // for one that finds the link idle. 0: no bound. Of use with bytes_per_second only.
  int64_t buffer_bytes = 0;
  // One packet in so many, each a choice (net/loss, net/duplicate, net/reorder). 0: none. Streams
  // show loss as delay; twice and out of turn come datagrams only.
  uint32_t loss_one_in = 0;
  uint32_t duplicate_one_in = 0;
  uint32_t reorder_one_in = 0;

  friend bool operator==(const LinkOptions&, const LinkOptions&) = default;
};

// Hosts are numbers below kNetworkHosts. A thread on kObserver is outside of everything that
// happens to the others: what makes it happen belongs there.
inline constexpr unsigned kNetworkHosts = 63;
inline constexpr unsigned kObserver = 63;

// Something that happens to the network, and when.
struct RulePlan {
  enum class Kind : uint8_t {
    partition,  // no packet between a and b
    one_way,    // no packet from a to b
    isolate,    // no packet between a and any other host
    change,     // the links between a and b are as `link` says
    crash,      // a is off: its threads are gone, its sockets forgotten; on again at the end
    reset,      // connections between a and b are reset, now
    half_open   // what lies between a and b forgets their connections, now
  };
  Kind kind = Kind::partition;
  unsigned a = 0, b = 0;
  LinkOptions link = {};
  int64_t from_ns = 0;  // since the run began
  int64_t to_ns = -1;   // below 0: to the end of the run
};

struct HostPlan {
  std::string name;      // for people
  uint32_t address = 0;  // IPv4 in host byte order; 0: 10.0.0.(number + 1)
};

struct LinkPlan {
  unsigned from = 0, to = 0;
  LinkOptions options = {};
};

// All of a network that is known before the run.
struct NetworkPlan {
  std::vector<HostPlan> hosts;  // by number; the others have no name
  LinkOptions link;             // between any two hosts for which there is no other
  std::vector<LinkPlan> links;
  std::vector<RulePlan> rules;
};

// A rule that is in force until it is destroyed. `end` does it before, `keep` leaves it in force to
// the end of the run.
class [[nodiscard]] Rule {
 public:
  Rule() = default;
  explicit Rule(uint32_t id) : id_(id) {}
  Rule(Rule&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  Rule& operator=(Rule&& other) noexcept {
    if (this != &other) {
      end();
      id_ = std::exchange(other.id_, 0);
    }
    return *this;
  }
  ~Rule() { end(); }

  void end();
  void keep();

 private:
  uint32_t id_ = 0;
};

// The network of the run that is on; outside of one, every call ends the process with a message.
//
//   pollux::Network network;
//   {
//     auto cut = network.partition(0, 1);  // nothing gets through
//     sleep(5);
//   }                                      // healed
class Network {
 public:
  // Packets that are on their way when the cut comes are lost as well. Neither side is told.
  Rule partition(unsigned a, unsigned b);
  Rule partition_one_way(unsigned from, unsigned to);
  Rule isolate(unsigned host);

  // Both directions are as `options` say. Of several such rules the last one counts.
  Rule change(unsigned a, unsigned b, const LinkOptions& options);

  // The host is off at once: nothing of what its threads would still do happens, no destructor
  // runs, its descriptors are gone, and nobody is told: its peers meet silence. When the rule ends
  // it is on again, with nothing open, and every thread that World::add_thread put there begins
  // anew; peers that still send then get a reset. Their memory is the process's: what the bodies
  // capture survives, as a disk does. Not for the caller's own host, nor under `pollux exec` for
  // the program's.
  Rule crash(unsigned host);

  // At once, for the connections that are there now: both ends are reset (ECONNRESET).
  void reset(unsigned a, unsigned b);
  // At once: what lies between the two has lost its memory of the connections that are there now
  // (a NAT, a firewall). Nothing passes on them any more and neither side is told; new ones work.
  void half_open(unsigned a, unsigned b);
};

}  // namespace pollux
