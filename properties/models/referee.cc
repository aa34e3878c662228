// SPDX-License-Identifier: MIT
//
// Which errors are explained, and by what.
//
// A connection is broken from the moment at which one side met an error or closed with bytes
// unread: after that the other side may find an early end or a reset, whichever arrives first. The
// side that breaks says so before it closes, so the flag is set before the peer can see anything. A
// fault that resets connections breaks any of them at any time.
//
// Errors of descriptors and memory (EMFILE, ENFILE, ENOMEM, ENOBUFS, ...) are explained by a fault
// point of this run with that errno. When accept meets one, the connection that it would have
// returned may be lost, and nobody knows yet which one it is: then every connection may break. A
// server that can not accept any more gives up and closes its listener; later dials are refused.
#include "models/referee.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>

namespace pollux::properties {
namespace {

class SpinGuard {
 public:
  explicit SpinGuard(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~SpinGuard() { flag_.clear(std::memory_order_release); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  std::atomic_flag& flag_;
};

// The byte at `offset` of a stream: Fibonacci hashing of where it belongs. Differs between streams
// at the same offset, and between offsets that are apart by the sizes of buffers and pages.
char pattern(unsigned connection, Side from, uint64_t offset) {
  uint64_t stream = connection * 2 + static_cast<unsigned>(from);
  return static_cast<char>((offset + (stream << 32)) * 0x9E3779B97F4A7C15ull >> 56);
}

const char* to_string(Side side) { return side == Side::client ? "client" : "server"; }

const char* to_string(Act act) {
  constexpr const char* kNames[] = {"listen", "accept",     "dial",        "read",        "write",
                                    "close",  "close_read", "close_write", "set_deadline"};
  return kNames[static_cast<unsigned>(act)];
}

std::string error_name(int error) {
  const char* name = strerrorname_np(error);
  return name ? name : "errno " + std::to_string(error);
}

bool is_reset(int error) { return error == ECONNRESET || error == EPIPE || error == ENOTCONN; }

Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

unsigned bit(Kind kind) {
  switch (kind) {
    case Kind::eof:
      return kEof;
    case Kind::closed:
      return kClosed;
    case Kind::deadline:
      return kDeadline;
    default:
      return 0;
  }
}

std::string name_of(const Seen& seen) {
  constexpr const char* kNames[] = {
      "success", "end of stream", "closed", "deadline exceeded", "", "an error of another kind"};
  return seen.kind == Kind::system ? error_name(seen.error)
                                   : kNames[static_cast<unsigned>(seen.kind)];
}

}  // namespace

Referee::Referee(const Workload& workload, const RefereeHooks& hooks)
    : hooks_(hooks), connections_(workload.connections.size()) {}

void Referee::fail(const char* property, unsigned connection, Side side, Act act,
                   const std::string& message) const {
  std::string who = to_string(side);
  if (connection != kNoConnection) who += " of connection " + std::to_string(connection + 1);
  busy_.clear(std::memory_order_release);
  hooks_.fail(property, who + ", " + to_string(act) + ": " + message);
  std::abort();  // the hook does not return
}

bool Referee::is_broken(unsigned connection) const {
  if (hooks_.fault_resets()) return true;
  if (connection != kNoConnection) return connections_[connection].broken;
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const State& s) { return s.broken; });
}

void Referee::prepare(unsigned connection, Side from, char* bytes, size_t n) {
  SpinGuard guard(busy_);
  Stream& s = stream(connection, from);
  for (size_t i = 0; i < n; ++i) bytes[i] = pattern(connection, from, s.offered + i);
  s.offered += n;
}

bool Referee::wrote(unsigned connection, Side from, size_t asked, const Seen& seen,
                    unsigned expect) {
  SpinGuard guard(busy_);
  if (seen.kind == Kind::ok ? seen.n != asked : seen.n >= asked)
    fail("transfer-count", connection, from, Act::write,
         "wrote " + std::to_string(seen.n) + " of " + std::to_string(asked) + " bytes with " +
             name_of(seen));
  Stream& s = stream(connection, from);
  s.accepted += seen.n;
  s.offered = s.accepted;
  if (s.received > s.offered)
    fail("stream-bytes", connection, other(from), Act::read,
         "received " + std::to_string(s.received) + " bytes, but write reported only " +
             std::to_string(s.accepted));
  return decide(connection, from, Act::write, seen, expect) && seen.kind == Kind::ok;
}

bool Referee::got(unsigned connection, Side reader, const char* bytes, size_t asked,
                  const Seen& seen, unsigned expect) {
  SpinGuard guard(busy_);
  if (seen.n > asked || (seen.kind == Kind::ok) != (seen.n > 0))
    fail("transfer-count", connection, reader, Act::read,
         "read " + std::to_string(seen.n) + " of at most " + std::to_string(asked) +
             " bytes with " + name_of(seen));
  Side from = other(reader);
  Stream& s = stream(connection, from);
  if (s.received + seen.n > s.offered)
    fail("stream-bytes", connection, reader, Act::read,
         "received " + std::to_string(s.received + seen.n) + " bytes, sent were " +
             std::to_string(s.offered));
  for (size_t i = 0; i < seen.n; ++i)
    if (bytes[i] != pattern(connection, from, s.received + i))
      fail("stream-bytes", connection, reader, Act::read,
           "byte " + std::to_string(s.received + i) + " is not the one that was sent there");
  s.received += seen.n;
  return decide(connection, reader, Act::read, seen, expect) && seen.kind == Kind::ok;
}

bool Referee::got_pair(unsigned connection, Side reader, const char* bytes, const Seen* seen) {
  SpinGuard guard(busy_);
  Side from = other(reader);
  Stream& s = stream(connection, from);
  char first = pattern(connection, from, s.received);
  char second = pattern(connection, from, s.received + 1);
  bool both = true;
  size_t n = 0;
  for (int i = 0; i < 2; ++i) {
    if ((seen[i].kind == Kind::ok ? 1u : 0u) != seen[i].n)
      fail("transfer-count", connection, reader, Act::read,
           "read " + std::to_string(seen[i].n) + " of at most 1 byte with " + name_of(seen[i]));
    n += seen[i].n;
    both = decide(connection, reader, Act::read, seen[i], kNothingElse) && both &&
           seen[i].kind == Kind::ok;
  }
  if (s.received + n > s.offered)
    fail("stream-bytes", connection, reader, Act::read, "two readers got bytes that nobody sent");
  bool right = n == 0 || (n == 1 ? bytes[seen[0].n == 1 ? 0 : 1] == first
                                 : (bytes[0] == first && bytes[1] == second) ||
                                       (bytes[0] == second && bytes[1] == first));
  if (!right)
    fail("stream-bytes", connection, reader, Act::read,
         "two readers got bytes that are not the ones sent at " + std::to_string(s.received));
  s.received += n;
  return both;
}

void Referee::ended(unsigned connection, Side reader) {
  SpinGuard guard(busy_);
  const Stream& s = stream(connection, other(reader));
  if (s.received < s.accepted && !is_broken(connection))
    fail("stream-complete", connection, reader, Act::read,
         "end of stream after " + std::to_string(s.received) + " of " + std::to_string(s.accepted) +
             " bytes");
}

bool Referee::judge(unsigned connection, Side side, Act act, const Seen& seen, unsigned expect) {
  SpinGuard guard(busy_);
  return decide(connection, side, act, seen, expect);
}

bool Referee::decide(unsigned connection, Side side, Act act, const Seen& seen, unsigned expect) {
  if (seen.kind == Kind::ok || (bit(seen.kind) & expect) != 0) return true;
  switch (seen.kind) {
    case Kind::eof:
      if (!is_broken(connection))
        fail("eof-explained", connection, side, act,
             "end of stream, but the peer is not at its end");
      break;
    case Kind::closed:
      if (!(act == Act::accept && listener_closing_))
        fail("closed-explained", connection, side, act, "closed, but nobody closed it");
      return false;
    case Kind::deadline:
      fail("deadline-explained", connection, side, act, "deadline exceeded, but none was set");
    case Kind::system:
      if (seen.error == EINTR || seen.error == EAGAIN || seen.error == EINPROGRESS ||
          seen.error == EALREADY || (act == Act::accept && seen.error == ECONNABORTED))
        fail("retry-hidden", connection, side, act, name_of(seen) + " reached the user");
      if (!(is_reset(seen.error) && is_broken(connection)) &&
          !(seen.error == ECONNREFUSED && act == Act::dial && listener_closing_) &&
          !hooks_.fault_gives(seen.error))
        fail("error-explained", connection, side, act, name_of(seen) + ", which nothing explains");
      break;
    default:
      fail("error-explained", connection, side, act, name_of(seen));
  }
  std::string text = std::string(to_string(side)) + ' ' + to_string(act) + ' ' + name_of(seen);
  auto at = std::lower_bound(errors_.begin(), errors_.end(), text);
  if (at == errors_.end() || *at != text) errors_.insert(at, text);
  if (connection != kNoConnection) {
    connections_[connection].broken = true;
  } else {
    for (State& s : connections_) s.broken = true;
  }
  return false;
}

void Referee::deadline_came(unsigned connection, Side side, Act act, Clock::time_point due,
                            Clock::time_point now) {
  SpinGuard guard(busy_);
  if (now >= due) return;
  auto early = std::chrono::duration_cast<std::chrono::nanoseconds>(due - now).count();
  fail("deadline-not-early", connection, side, act, std::to_string(early) + " ns early");
}

void Referee::breaks(unsigned connection) {
  SpinGuard guard(busy_);
  connections_[connection].broken = true;
}

void Referee::listener_closes() {
  SpinGuard guard(busy_);
  listener_closing_ = true;
}

void Referee::client_done(unsigned connection) {
  SpinGuard guard(busy_);
  connections_[connection].done = true;
}

void Referee::at_rest(const char* name, uint64_t value) {
  if (value == 0) return;
  hooks_.fail("at-rest", std::to_string(value) + " " + name + " when everything has ended");
}

void Referee::watch(const SlotRegion& region) {
  region_ = region;
  hooks_.watch(&region_);
}

void Referee::finish() {
  SpinGuard guard(busy_);
  for (unsigned i = 0; i < connections_.size(); ++i)
    if (!connections_[i].done)
      fail("completes", i, Side::client, Act::close, "the client never came to its end");
}

std::vector<std::string> Referee::errors() const {
  SpinGuard guard(busy_);
  return errors_;
}

}  // namespace pollux::properties
