// SPDX-License-Identifier: MIT
//
// A workload: what the clients and the server of a network program do to each other.
//
// One server listens; each connection has one client. Client and server go through the
// connection's records in the same order, each doing its half, so that both know at every moment
// which bytes and which errors they may see. A record carries all it needs: removing any record, or
// any connection, leaves a workload that means the same in its other parts. That is what makes
// shrinking work.
//
// The text form ("w2;c[m32,m4096,h];c[d5ms,m10,x1ms]") is what tokens carry; its grammar is in
// README.md. It is canonical: to_text(parse(t)) == t for every t that parses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::properties {

// The letter of each kind in the text form. "Client" and "server" say who does it.
enum class RecordKind : char {
  message = 'm',          // client writes that many bytes and reads as many back
  stream = 's',           // the same, but reading and writing at the same time
  pause = 'p',            // client sleeps
  server_pause = 'q',     // server sleeps
  deadline = 'd',         // client reads under a read deadline while nothing comes
  server_deadline = 't',  // server does; then it sends one byte
  extended = 'e',         // client reads under a deadline that moves later while it waits
  cleared = 'k',          // client reads under a deadline that is cleared while it waits
  past = 'n',             // client waits in a read; its deadline is set to the past
  both_deadlines = 'i',   // client sets one deadline for both directions, then moves that of writes
  two_readers = 'f',      // two goroutines of the client read one byte each, at the same time

  // Ends of a connection: the last record, if any. Without one the client closes when done.
  half_close = 'h',            // client ends its direction, both read to the end
  server_half_close = 'g',     // server ends its direction first; client still sends 16 bytes
  close_in_read = 'x',         // client closes while another goroutine of it waits in read
  server_close_in_read = 'y',  // server does
  close_in_write = 'v',        // client closes while another goroutine of it waits in write
  write_deadline = 'w',        // client writes more than fits under a write deadline, then closes
  close_unread = 'z',          // client sends that many bytes and closes without reading the answer
  close_read = 'r',  // client ends its reading direction while another goroutine waits in it
};

enum class Argument : uint8_t { none, bytes, duration };

struct KindInfo {
  RecordKind kind;
  Argument argument;
  bool ends;          // may only be the last record
  const char* words;  // for describe()
};
// Null when there is no such letter.
const KindInfo* find_kind(char letter);
std::vector<KindInfo> kinds();

struct Record {
  RecordKind kind;
  uint32_t argument = 0;  // bytes, or microseconds

  friend bool operator==(const Record&, const Record&) = default;
};

struct Connection {
  std::vector<Record> records;

  friend bool operator==(const Connection&, const Connection&) = default;
};

inline constexpr uint32_t kBufferDefault = 64 * 1024;

struct Workload {
  uint32_t workers = 1;              // w: worker threads of the subject
  uint32_t acceptors = 1;            // l: goroutines that accept on the one listener
  uint32_t buffer = kBufferDefault;  // b: bytes of each socket buffer on the twin
  uint32_t accept_pause_us = 0;      // a: each acceptor sleeps before it accepts
  uint32_t accept_deadline_us = 0;   // o: each accept is under a deadline; again after it passed
  std::vector<Connection> connections;

  friend bool operator==(const Workload&, const Workload&) = default;
};

// Bounds, so that a workload is always a small program.
inline constexpr uint32_t kWorkersMax = 4;
inline constexpr uint32_t kAcceptorsMax = 3;
inline constexpr uint32_t kBufferMin = 4096;
inline constexpr uint32_t kBufferMax = 256 * 1024;
inline constexpr uint32_t kBytesMax = 64 * 1024;
inline constexpr uint32_t kMicrosMax = 10'000'000;
inline constexpr size_t kConnectionsMax = 32;
inline constexpr size_t kRecordsMax = 64;

std::string to_text(const Workload&);

// What was wrong, where, and what would be right; one line.
struct WorkloadError {
  std::string message;
};
std::variant<Workload, WorkloadError> parse_workload(std::string_view text);

// Empty when the workload is within the bounds and keeps the rules between its parts, otherwise one
// line that says which rule.
std::string check_rules(const Workload&);

// For a person, one line.
std::string describe(const Workload&);

}  // namespace pollux::properties
