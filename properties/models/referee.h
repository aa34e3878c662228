// SPDX-License-Identifier: MIT
//
// The referee: what the two sides of a workload may see, and whether they saw it.
//
// A subject (the program that carries a workload out) tells the referee what it is about to do and
// what came of it. The referee makes the bytes, checks the bytes, and decides for each error
// whether the workload or a fault of this run explains it. Anything else fails the run at once,
// with the name of the property:
//
//   stream-bytes       bytes arrive in order, unchanged, none twice, none that nobody sent
//   stream-complete    a stream that ended by itself carried every byte that write accepted
//   transfer-count     0 <= n <= asked; n == 0 with an error of read; n < asked with one of write
//   retry-hidden       EINTR, EAGAIN and the like never reach the user, nor accept's ECONNABORTED
//   eof-explained      end of stream only after the peer ended its direction, or a reset
//   closed-explained   "closed" only where the subject itself closed
//   deadline-explained a deadline error only where a deadline was set
//   deadline-not-early never before the deadline that was in force
//   error-explained    other errors only where a fault of this run, or a reset, makes them
//   completes          each client came to its end
//   at-rest            what the subject counts is back at zero when it is done
//
// Threads: any thread of the subject, several at a time. No method waits or makes a system call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "models/slot_monitor.h"
#include "models/workload.h"

namespace pollux::properties {

enum class Side : uint8_t { client, server };
enum class Act : uint8_t { listen, accept, dial, read, write, close, close_read, close_write, set };
enum class Kind : uint8_t { ok, eof, closed, deadline, system, other };

// What an operation gave.
struct Seen {
  Kind kind = Kind::ok;
  int error = 0;  // errno of Kind::system
  size_t n = 0;   // bytes moved
};

// Outcomes besides Kind::ok that the workload makes possible at this place.
enum Expect : unsigned { kNothingElse = 0, kEof = 1, kClosed = 2, kDeadline = 4 };

using Clock = std::chrono::steady_clock;

// How the referee reaches the run that it is part of.
struct RefereeHooks {
  // Ends the run; does not return.
  void (*fail)(const char* property, const std::string& message);
  // Did a fault of this run give that errno to the program?
  bool (*fault_gives)(int error);
  // Did a fault of this run reset a connection?
  bool (*fault_resets)();
  // The subject has what it can not do without (its poller): from now on faults may happen.
  void (*ready)();
  // Watches the slots until the end of the run.
  void (*watch)(const SlotRegion*);
};

// Not a connection: the listener, or a connection that did not say yet which one it is.
inline constexpr unsigned kNoConnection = ~0u;

class Referee {
 public:
  Referee(const Workload& workload, const RefereeHooks& hooks);

  // --- Bytes. `from` is the side that writes them.

  // The next `n` bytes that `from` is about to write.
  void prepare(unsigned connection, Side from, char* bytes, size_t n);
  // What the write of the `asked` bytes just prepared gave. True: the conversation goes on.
  bool wrote(unsigned connection, Side from, size_t asked, const Seen&, unsigned expect);
  // What a read of at most `asked` bytes gave. True: at least one byte came, and it was right.
  bool got(unsigned connection, Side reader, const char* bytes, size_t asked, const Seen&,
           unsigned expect);
  // Two reads of one byte that ran at the same time: either may have got the first.
  bool got_pair(unsigned connection, Side reader, const char* bytes, const Seen* seen);
  // The reader saw the end of the stream, expectedly: were all bytes there?
  void ended(unsigned connection, Side reader);

  // --- Everything else. True: it went well, or in a way that `expect` names. False: it failed in a
  // way that a fault explains; the side closes and ends.
  bool judge(unsigned connection, Side side, Act act, const Seen&, unsigned expect);

  // A deadline error came at `now`; `due` was the earliest deadline that can have been in force.
  void deadline_came(unsigned connection, Side side, Act act, Clock::time_point due,
                     Clock::time_point now);
  // The side closes, or is about to be, with bytes unread or after an error: the other one may see
  // its end or a reset from now on.
  void breaks(unsigned connection);
  // The subject closes the listener from now on.
  void listener_closes();
  void client_done(unsigned connection);
  // A counter of the subject after everything ended; `name` says of what.
  void at_rest(const char* name, uint64_t value);

  // The subject has made its poller. No program can go on without one, so faults wait until then.
  void ready() { hooks_.ready(); }
  // The subject's poll descriptors, if it has such a thing.
  void watch(const SlotRegion& region);

  // After the subject returned.
  void finish();

  // Kinds of errors that the program saw, as "client read ECONNRESET", sorted, each once.
  std::vector<std::string> errors() const;

 private:
  struct Stream {
    uint64_t offered = 0;   // bytes that were about to be written
    uint64_t accepted = 0;  // bytes that write reported as written
    uint64_t received = 0;
  };
  struct State {
    Stream streams[2];  // by the side that writes
    bool broken = false;
    bool done = false;
  };

  Stream& stream(unsigned connection, Side from) {
    return connections_[connection].streams[static_cast<unsigned>(from)];
  }
  bool is_broken(unsigned connection) const;
  bool decide(unsigned connection, Side side, Act act, const Seen&, unsigned expect);
  [[noreturn]] void fail(const char* property, unsigned connection, Side, Act,
                         const std::string& message) const;

  RefereeHooks hooks_;
  std::vector<State> connections_;
  std::vector<std::string> errors_;
  SlotRegion region_;
  bool listener_closing_ = false;
  // A spin lock: on the twin nobody else runs while it is held, since nothing in here is a
  // scheduling point; on the real kernel it is held for the time of a memcpy.
  mutable std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

}  // namespace pollux::properties
