// SPDX-License-Identifier: MIT
#include "models/workload.h"

#include <array>
#include <charconv>

namespace pollux::properties {
namespace {

using enum RecordKind;

constexpr std::array kKinds = {
    KindInfo{message, Argument::bytes, false, "message"},
    KindInfo{stream, Argument::bytes, false, "streamed message"},
    KindInfo{pause, Argument::duration, false, "pause"},
    KindInfo{server_pause, Argument::duration, false, "server pause"},
    KindInfo{deadline, Argument::duration, false, "read deadline"},
    KindInfo{server_deadline, Argument::duration, false, "server read deadline"},
    KindInfo{extended, Argument::duration, false, "extended deadline"},
    KindInfo{cleared, Argument::duration, false, "cleared deadline"},
    KindInfo{past, Argument::duration, false, "deadline set to the past"},
    KindInfo{both_deadlines, Argument::duration, false, "deadline of both directions"},
    KindInfo{two_readers, Argument::duration, false, "two readers"},
    KindInfo{half_close, Argument::none, true, "client half-close"},
    KindInfo{server_half_close, Argument::none, true, "server half-close"},
    KindInfo{close_in_read, Argument::duration, true, "client close during read"},
    KindInfo{server_close_in_read, Argument::duration, true, "server close during read"},
    KindInfo{close_in_write, Argument::duration, true, "client close during write"},
    KindInfo{write_deadline, Argument::duration, true, "write deadline"},
    KindInfo{close_unread, Argument::bytes, true, "client close with bytes unread"},
    KindInfo{close_read, Argument::duration, true, "client ends reading during read"},
};

std::string letters() {
  std::string all;
  for (const KindInfo& info : kKinds) {
    if (!all.empty()) all += ' ';
    all += static_cast<char>(info.kind);
  }
  return all;
}

// 1500 -> "1500us", 2000 -> "2ms", 3000000 -> "3s": the largest unit that is exact.
std::string duration_text(uint32_t micros) {
  if (micros % 1'000'000 == 0 && micros != 0) return std::to_string(micros / 1'000'000) + "s";
  if (micros % 1000 == 0 && micros != 0) return std::to_string(micros / 1000) + "ms";
  return std::to_string(micros) + "us";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::variant<Workload, WorkloadError> parse() {
    Workload w;
    if (text_.empty()) return fail("empty workload", "w1;c[m32]");
    // Head: each part at most once and in this order, so that equal workloads have equal text.
    constexpr std::string_view kHead = "wlbao";
    size_t next = 0;
    while (error_.empty() && at_ < text_.size() && text_[at_] != 'c') {
      size_t part = kHead.find(text_[at_]);
      if (part == std::string_view::npos)
        return fail("unknown part '" + std::string(1, text_[at_]) + "'",
                    "w (workers), l (acceptors), b (buffer), a (accept pause), o (accept deadline) "
                    "or c[...] (connection)");
      if (part < next)
        return fail("part '" + std::string(1, text_[at_]) + "' twice or out of order",
                    "the order w l b a o, then c[...]");
      next = part + 1;
      ++at_;
      switch (kHead[part]) {
        case 'w':
          w.workers = number();
          break;
        case 'l':
          w.acceptors = number_but(1);
          break;
        case 'b':
          w.buffer = number_but(kBufferDefault);
          break;
        case 'a':
          w.accept_pause_us = duration();
          break;
        default:
          w.accept_deadline_us = duration();
      }
      if (error_.empty() && at_ < text_.size()) expect(';', "';' between parts");
    }
    if (error_.empty() && text_[0] != 'w') return fail("no workers part", "w1 first");
    while (error_.empty() && at_ < text_.size()) {
      connection(w);
      if (error_.empty() && at_ < text_.size()) {
        expect(';', "';' between parts");
        if (error_.empty() && at_ == text_.size()) return fail("nothing after ';'", "c[...]");
      }
    }
    if (!error_.empty()) return WorkloadError{error_};
    if (std::string broken = check_rules(w); !broken.empty()) return WorkloadError{broken};
    return w;
  }

 private:
  void connection(Workload& w) {
    expect('c', "c[...]");
    expect('[', "'[' after c");
    Connection c;
    while (error_.empty() && at_ < text_.size() && text_[at_] != ']') {
      const KindInfo* info = find_kind(text_[at_]);
      if (!info) {
        fail("unknown record '" + std::string(1, text_[at_]) + "'", "one of " + letters());
        return;
      }
      ++at_;
      Record r{info->kind, 0};
      if (info->argument == Argument::bytes) r.argument = number();
      if (info->argument == Argument::duration) r.argument = duration();
      c.records.push_back(r);
      if (error_.empty() && at_ < text_.size() && text_[at_] != ']') {
        expect(',', "',' between records or ']' after them");
        if (error_.empty() && at_ < text_.size() && text_[at_] == ']')
          fail("nothing after ','", "a record");
      }
    }
    expect(']', "']' at the end of a connection");
    w.connections.push_back(std::move(c));
  }

  uint32_t number() {
    if (!error_.empty()) return 0;
    uint32_t value = 0;
    auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    size_t length = static_cast<size_t>(end - text_.data()) - at_;
    if (code != std::errc{} || length == 0) {
      fail("no number", "a decimal number below 4294967296");
      return 0;
    }
    if (text_[at_] == '0' && length > 1) {
      fail("leading zero", std::to_string(value));
      return 0;
    }
    at_ += length;
    return value;
  }

  // The default is written by leaving the part out.
  uint32_t number_but(uint32_t boring) {
    size_t start = at_;
    uint32_t value = number();
    if (error_.empty() && value == boring) {
      at_ = start;
      fail(std::to_string(value) + " is the default", "no such part");
    }
    return value;
  }

  uint32_t duration() {
    size_t start = at_;
    uint64_t value = number();
    if (!error_.empty()) return 0;
    for (auto [unit, scale] : {std::pair{"us", 1u}, {"ms", 1000u}, {"s", 1'000'000u}}) {
      std::string_view name = unit;
      if (text_.substr(at_, name.size()) != name) continue;
      value *= scale;
      at_ += name.size();
      if (value == 0 || value > kMicrosMax) {
        at_ = start;
        fail("duration out of range", "1us to 10s");
        return 0;
      }
      uint32_t micros = static_cast<uint32_t>(value);
      std::string canonical = duration_text(micros);
      if (text_.substr(start, at_ - start) != canonical) {
        at_ = start;
        fail("duration not in its largest unit", canonical);
      }
      return micros;
    }
    fail("no unit", "us, ms or s after the number");
    return 0;
  }

  void expect(char c, const char* right) {
    if (!error_.empty()) return;
    if (at_ < text_.size() && text_[at_] == c)
      ++at_;
    else
      fail(at_ < text_.size() ? "unexpected '" + std::string(1, text_[at_]) + "'" : "text ends",
           right);
  }

  WorkloadError fail(const std::string& what, const std::string& right) {
    if (error_.empty())
      error_ =
          "workload, character " + std::to_string(at_ + 1) + ": " + what + "; expected " + right;
    return {error_};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

std::string out_of_range(const std::string& what, uint64_t value, uint64_t low, uint64_t high) {
  if (value >= low && value <= high) return "";
  return what + " is " + std::to_string(value) + "; must be " + std::to_string(low) + " to " +
         std::to_string(high);
}

}  // namespace

const KindInfo* find_kind(char letter) {
  for (const KindInfo& info : kKinds)
    if (static_cast<char>(info.kind) == letter) return &info;
  return nullptr;
}

std::vector<KindInfo> kinds() { return {kKinds.begin(), kKinds.end()}; }

std::string to_text(const Workload& w) {
  std::string text = "w" + std::to_string(w.workers);
  if (w.acceptors != 1) text += ";l" + std::to_string(w.acceptors);
  if (w.buffer != kBufferDefault) text += ";b" + std::to_string(w.buffer);
  if (w.accept_pause_us != 0) text += ";a" + duration_text(w.accept_pause_us);
  if (w.accept_deadline_us != 0) text += ";o" + duration_text(w.accept_deadline_us);
  for (const Connection& c : w.connections) {
    text += ";c[";
    for (const Record& r : c.records) {
      if (text.back() != '[') text += ',';
      text += static_cast<char>(r.kind);
      Argument argument = find_kind(static_cast<char>(r.kind))->argument;
      if (argument == Argument::bytes) text += std::to_string(r.argument);
      if (argument == Argument::duration) text += duration_text(r.argument);
    }
    text += ']';
  }
  return text;
}

std::variant<Workload, WorkloadError> parse_workload(std::string_view text) {
  return Parser(text).parse();
}

std::string check_rules(const Workload& w) {
  if (w.workers != 1 && w.workers != 2 && w.workers != 4)
    return "w (workers) is " + std::to_string(w.workers) + "; must be 1, 2 or 4";
  for (const std::string& broken :
       {out_of_range("l (acceptors)", w.acceptors, 1, kAcceptorsMax),
        out_of_range("b (buffer)", w.buffer, kBufferMin, kBufferMax),
        out_of_range("number of connections", w.connections.size(), 1, kConnectionsMax)})
    if (!broken.empty()) return broken;
  for (size_t i = 0; i < w.connections.size(); ++i) {
    const std::vector<Record>& records = w.connections[i].records;
    std::string where = "connection " + std::to_string(i + 1) + ": ";
    if (std::string broken = out_of_range("number of records", records.size(), 0, kRecordsMax);
        !broken.empty())
      return where + broken;
    for (size_t j = 0; j < records.size(); ++j) {
      const KindInfo& info = *find_kind(static_cast<char>(records[j].kind));
      std::string record = where + "record " + std::to_string(j + 1) + " (" + info.words + ")";
      if (info.ends && j + 1 != records.size())
        return record + " ends the connection; must be the last record";
      if (info.argument == Argument::duration)
        if (std::string broken =
                out_of_range(record + ", microseconds", records[j].argument, 1, kMicrosMax);
            !broken.empty())
          return broken;
      if (info.argument != Argument::bytes) continue;
      // Who writes a whole message before reading the answer needs room for it: otherwise client
      // and server wait for each other, and rightly so.
      uint32_t most = records[j].kind == stream ? kBytesMax : std::min(kBytesMax, w.buffer);
      if (std::string broken = out_of_range(record + ", bytes", records[j].argument, 1, most);
          !broken.empty())
        return broken + (records[j].argument <= kBytesMax && records[j].argument > most
                             ? " (b), or s for a message beyond the buffers"
                             : "");
    }
  }
  return "";
}

std::string describe(const Workload& w) {
  std::string text = std::to_string(w.workers) + (w.workers == 1 ? " worker, " : " workers, ");
  if (w.acceptors != 1) text += std::to_string(w.acceptors) + " acceptors, ";
  if (w.buffer != kBufferDefault) text += std::to_string(w.buffer) + "-byte buffers, ";
  if (w.accept_pause_us != 0) text += "accepts " + duration_text(w.accept_pause_us) + " late, ";
  if (w.accept_deadline_us != 0)
    text += "accepts under a deadline of " + duration_text(w.accept_deadline_us) + ", ";
  text += std::to_string(w.connections.size()) +
          (w.connections.size() == 1 ? " connection" : " connections");
  for (const Connection& c : w.connections) {
    text += c.records.empty() ? "; close" : "; ";
    for (const Record& r : c.records) {
      if (&r != c.records.data()) text += ", ";
      const KindInfo& info = *find_kind(static_cast<char>(r.kind));
      text += info.words;
      if (info.argument == Argument::bytes) text += " of " + std::to_string(r.argument) + " B";
      if (info.argument == Argument::duration) text += " " + duration_text(r.argument);
    }
  }
  return text;
}

}  // namespace pollux::properties
