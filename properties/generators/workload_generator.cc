// SPDX-License-Identifier: MIT
//
// The generator draws from RapidCheck's Random itself, and each draw is a statement of its own:
// compilers evaluate the operands of one expression in different orders. The size that RapidCheck
// passes plays no part, so a workload is a function of (seed, limits) alone.
#include "generators/workload_generator.h"

#include <algorithm>

namespace pollux::properties {
namespace {

class Draw {
 public:
  Draw(const rc::Random& random, const WorkloadLimits& limits) : random_(random), limits_(limits) {}

  Workload workload();

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_.next() % n); }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  bool one_in(uint32_t n) { return below(n) == 0; }

  // Log-uniform: each power of two is as likely as the next.
  uint32_t spread(uint32_t low, uint32_t high) {
    uint32_t steps = 0;
    while ((low << (steps + 1)) <= high) ++steps;
    uint32_t base = low << below(steps + 1);
    return std::min(high, between(base, 2 * base - 1));
  }

  uint32_t duration();
  uint32_t bytes(uint32_t most);
  RecordKind body_kind();
  RecordKind end_kind();
  Record record(RecordKind kind, uint32_t buffer);

  rc::Random random_;
  WorkloadLimits limits_;
};

// Round values shrink and read better; a few odd ones find what round ones do not.
uint32_t Draw::duration() {
  uint32_t micros = spread(10, 20'000);
  if (micros >= 1000) return micros / 1000 * 1000;
  return one_in(2) ? micros : micros / 10 * 10;
}

uint32_t Draw::bytes(uint32_t most) {
  if (one_in(12)) return spread(4096, most);
  if (one_in(4)) return spread(64, std::min(most, 4096u));
  return between(1, 64);
}

RecordKind Draw::body_kind() {
  // By weight: traffic first, since everything else happens around it.
  constexpr RecordKind kBag[] = {
      RecordKind::message,    RecordKind::message,         RecordKind::message,
      RecordKind::message,    RecordKind::stream,          RecordKind::stream,
      RecordKind::pause,      RecordKind::server_pause,    RecordKind::deadline,
      RecordKind::deadline,   RecordKind::extended,        RecordKind::cleared,
      RecordKind::past,       RecordKind::server_deadline, RecordKind::both_deadlines,
      RecordKind::two_readers};
  return kBag[below(std::size(kBag))];
}

RecordKind Draw::end_kind() {
  constexpr RecordKind kBag[] = {
      RecordKind::half_close,     RecordKind::server_half_close,    RecordKind::close_in_read,
      RecordKind::close_in_read,  RecordKind::server_close_in_read, RecordKind::close_in_write,
      RecordKind::write_deadline, RecordKind::close_unread,         RecordKind::close_read};
  return kBag[below(std::size(kBag))];
}

Record Draw::record(RecordKind kind, uint32_t buffer) {
  Record r{kind, 0};
  switch (find_kind(static_cast<char>(kind))->argument) {
    case Argument::none:
      break;
    case Argument::duration:
      r.argument = duration();
      break;
    case Argument::bytes:
      r.argument = bytes(kind == RecordKind::stream ? kBytesMax : std::min(kBytesMax, buffer));
  }
  return r;
}

// Writes four buffers full: keeps those runs small.
bool fills_buffers(RecordKind kind) {
  return kind == RecordKind::close_in_write || kind == RecordKind::write_deadline;
}

Workload Draw::workload() {
  Workload w;
  w.workers = 1u << below(limits_.workers_max == 4 ? 3 : limits_.workers_max);
  if (one_in(4)) w.acceptors = between(2, kAcceptorsMax);
  if (one_in(2)) w.buffer = kBufferMin << below(3);
  if (one_in(6)) w.accept_pause_us = duration();
  if (one_in(6)) w.accept_deadline_us = duration();
  w.connections.resize(between(1, 4));
  for (Connection& c : w.connections) {
    uint32_t records = below(6);
    for (uint32_t i = 0; i < records; ++i) {
      RecordKind kind = body_kind();
      if (kind == RecordKind::two_readers && !limits_.two_readers) kind = RecordKind::message;
      c.records.push_back(record(kind, w.buffer));
    }
    if (one_in(3)) continue;
    RecordKind kind = end_kind();
    if (fills_buffers(kind) && w.buffer > 4 * kBufferMin) kind = RecordKind::half_close;
    c.records.push_back(record(kind, w.buffer));
  }
  return w;
}

template <typename T>
void append(rc::Seq<T> values, size_t most, std::vector<T>& to) {
  for (rc::Maybe<T> value = values.next(); value && to.size() < most; value = values.next())
    to.push_back(std::move(*value));
}

// Simpler durations and sizes, simplest first.
std::vector<Record> smaller_records(const Record& r) {
  std::vector<Record> smaller;
  rc::Seq<uint32_t> arguments = rc::shrink::towards<uint32_t>(r.argument, 1);
  for (rc::Maybe<uint32_t> a = arguments.next(); a; a = arguments.next())
    if (*a >= 1) smaller.push_back({r.kind, *a});
  return smaller;
}

}  // namespace

rc::Gen<Workload> arbitrary_workload(const WorkloadLimits& limits) {
  return [limits](const rc::Random& random, int) {
    return rc::shrinkable::shrinkRecur(Draw(random, limits).workload(), [](const Workload& w) {
      return rc::seq::fromContainer(smaller_workloads(w, 200));
    });
  };
}

Workload workload_of_seed(uint64_t seed, const WorkloadLimits& limits) {
  return Draw(rc::Random(seed), limits).workload();
}

std::vector<Workload> smaller_workloads(const Workload& workload, size_t most) {
  std::vector<Workload> smaller;
  auto add = [&](Workload w) {
    if (smaller.size() < most && check_rules(w).empty() &&
        std::find(smaller.begin(), smaller.end(), w) == smaller.end() && !(w == workload))
      smaller.push_back(std::move(w));
  };

  // Fewer connections.
  std::vector<std::vector<Connection>> fewer;
  append(rc::shrink::removeChunks(workload.connections), most, fewer);
  for (std::vector<Connection>& connections : fewer) {
    Workload w = workload;
    w.connections = std::move(connections);
    add(std::move(w));
  }
  // Fewer records in one connection.
  for (size_t i = 0; i < workload.connections.size(); ++i) {
    std::vector<std::vector<Record>> shorter;
    append(rc::shrink::removeChunks(workload.connections[i].records), most / 4, shorter);
    for (std::vector<Record>& records : shorter) {
      Workload w = workload;
      w.connections[i].records = std::move(records);
      add(std::move(w));
    }
  }
  // A simpler head.
  const Workload plain;
  for (uint32_t Workload::*part : {&Workload::workers, &Workload::acceptors, &Workload::buffer,
                                   &Workload::accept_pause_us, &Workload::accept_deadline_us}) {
    Workload w = workload;
    w.*part = plain.*part;
    add(std::move(w));
  }
  if (workload.workers == 4) {
    Workload w = workload;
    w.workers = 2;
    add(std::move(w));
  }
  // Smaller arguments.
  for (size_t i = 0; i < workload.connections.size(); ++i) {
    const std::vector<Record>& records = workload.connections[i].records;
    for (size_t j = 0; j < records.size(); ++j)
      for (const Record& r : smaller_records(records[j])) {
        Workload w = workload;
        w.connections[i].records[j] = r;
        add(std::move(w));
      }
  }
  return smaller;
}

}  // namespace pollux::properties
