// SPDX-License-Identifier: MIT
#include "run/result_code.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "run/check.h"

namespace pollux::run {
namespace {

// Both ends are the same binary: plain memory order, lengths in front of what varies.
class Writer {
 public:
  Writer(char* to, size_t capacity) : to_(to), left_(capacity) {}

  bool put(const void* data, size_t size) {
    if (size > left_) return false;
    if (size != 0) std::memcpy(to_, data, size);
    to_ += size;
    left_ -= size;
    return true;
  }
  template <class Type>
  bool number(const Type& value) {
    static_assert(std::is_trivially_copyable_v<Type>);
    return put(&value, sizeof value);
  }
  // Keeps `reserve` bytes free for what comes after.
  void text(const std::string& value, size_t reserve) {
    size_t room = left_ > reserve + sizeof(size_t) ? left_ - reserve - sizeof(size_t) : 0;
    size_t size = std::min(value.size(), room);
    number(size);
    put(value.data(), size);
  }
  template <class Type>
  void list(const std::vector<Type>& values, size_t reserve) {
    static_assert(std::is_trivially_copyable_v<Type>);
    size_t room = left_ > reserve + sizeof(size_t) ? left_ - reserve - sizeof(size_t) : 0;
    size_t count = std::min(values.size(), room / sizeof(Type));
    number(count);
    put(values.data(), count * sizeof(Type));
  }
  size_t left() const { return left_; }

 private:
  char* to_;
  size_t left_;
};

class Reader {
 public:
  Reader(const char* from, size_t size) : from_(from), left_(size) {}

  void get(void* data, size_t size) {
    check(size <= left_, "result of a run: cut off");
    if (size != 0) std::memcpy(data, from_, size);
    from_ += size;
    left_ -= size;
  }
  template <class Type>
  void number(Type& value) {
    get(&value, sizeof value);
  }
  void text(std::string& value) {
    size_t size = 0;
    number(size);
    value.resize(size);
    get(value.data(), size);
  }
  template <class Type>
  void list(std::vector<Type>& values) {
    size_t count = 0;
    number(count);
    values.resize(count);
    get(values.data(), count * sizeof(Type));
  }

 private:
  const char* from_;
  size_t left_;
};

constexpr size_t kTail = 256;  // room for the empty lists that follow

void write_texts(const std::vector<std::string>& texts, Writer& out) {
  size_t needed = 0;
  for (const std::string& text : texts) needed += sizeof(size_t) + text.size();
  size_t count = needed + kTail <= out.left() ? texts.size() : 0;
  out.number(count);
  for (size_t i = 0; i < count; ++i) out.text(texts[i], kTail);
}
void read_texts(Reader& in, std::vector<std::string>& texts) {
  size_t count = 0;
  in.number(count);
  texts.resize(count);
  for (std::string& text : texts) in.text(text);
}

void write_log(const StepLog& log, Writer& out) {
  out.list(log.steps, kTail);
  out.list(log.made, kTail);
  out.list(log.frames, kTail);
  out.list(log.stuck, kTail);
  out.number(log.dropped);
  for (const auto* texts : {&log.texts, &log.modules, &log.threads}) write_texts(*texts, out);
  size_t count = log.words.size() * kTail < out.left() ? log.words.size() : 0;
  out.number(count);
  for (size_t i = 0; i < count; ++i) {
    const WatchedWord& word = log.words[i];
    out.text(word.name, 0);
    out.text(word.value, 0);
    out.number(word.address);
    out.number(word.fd);
    out.number(word.waiting);
  }
}
void read_log(Reader& in, StepLog& log) {
  in.list(log.steps);
  in.list(log.made);
  in.list(log.frames);
  in.list(log.stuck);
  in.number(log.dropped);
  for (auto* texts : {&log.texts, &log.modules, &log.threads}) read_texts(in, *texts);
  size_t count = 0;
  in.number(count);
  log.words.resize(count);
  for (WatchedWord& word : log.words) {
    in.text(word.name);
    in.text(word.value);
    in.number(word.address);
    in.number(word.fd);
    in.number(word.waiting);
  }
}

void write_notes(const std::vector<JudgeNote>& notes, Writer& out) {
  size_t count = notes.size() * 2 * kTail < out.left() ? notes.size() : 0;
  out.number(count);
  for (size_t i = 0; i < count; ++i) {
    out.number(notes[i].kind);
    out.number(notes[i].count);
    out.text(notes[i].first, kTail);
  }
}
void read_notes(Reader& in, std::vector<JudgeNote>& notes) {
  size_t count = 0;
  in.number(count);
  notes.resize(count);
  for (JudgeNote& note : notes) {
    in.number(note.kind);
    in.number(note.count);
    in.text(note.first);
  }
}

}  // namespace

size_t write_result(const RunResult& result, char* to, size_t capacity) {
  Writer out(to, capacity);
  out.number(result.verdict);
  for (uint64_t value :
       {result.hash, result.points, result.calls, result.switches, result.faults}) {
    out.number(value);
  }
  out.number(result.virtual_ns);
  out.text(result.reason, kTail);
  out.text(result.details, kTail);
  out.list(result.deviations, kTail);
  out.list(result.step_hashes, kTail);
  write_notes(result.notes, out);
  write_log(result.log, out);
  size_t lines = 0, needed = sizeof lines;
  while (lines < result.trace.size() &&
         needed + sizeof lines + result.trace[lines].size() <= out.left()) {
    needed += sizeof lines + result.trace[lines++].size();
  }
  check(out.number(lines), "result of a run: no room");
  for (size_t i = 0; i < lines; ++i) out.text(result.trace[i], 0);
  return capacity - out.left();
}

RunResult read_result(const char* from, size_t size) {
  Reader in(from, size);
  RunResult result;
  in.number(result.verdict);
  for (uint64_t* value :
       {&result.hash, &result.points, &result.calls, &result.switches, &result.faults}) {
    in.number(*value);
  }
  in.number(result.virtual_ns);
  in.text(result.reason);
  in.text(result.details);
  in.list(result.deviations);
  in.list(result.step_hashes);
  read_notes(in, result.notes);
  read_log(in, result.log);
  size_t lines = 0;
  in.number(lines);
  result.trace.resize(lines);
  for (std::string& line : result.trace) in.text(line);
  return result;
}

}  // namespace pollux::run
