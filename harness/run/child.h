// SPDX-License-Identifier: MIT
//
// Child processes that carry runs.
//
// A run may crash, hang for real, or leave threads behind for ever; none of this may reach the
// process that counts the results. So runs happen in forked children, which report through shared
// memory. What a child prints is kept for the report of its crash and shown to nobody else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "pollux/world.h"

namespace pollux::run {

// An anonymous mapping that children share; zero at first, and untouched pages cost nothing.
class SharedMemory {
 public:
  explicit SharedMemory(size_t size);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  char* data() const { return static_cast<char*>(data_); }
  size_t size() const { return size_; }
  template <class Type>
  Type* as(size_t offset = 0) const {
    return reinterpret_cast<Type*>(data() + offset);
  }

 private:
  void* data_;
  size_t size_;
};

// Where a child's stdout and stderr go.
class Output {
 public:
  Output();
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  int descriptor() const { return descriptor_; }
  void clear();
  // The last lines, at most about `bytes`.
  std::string tail(size_t bytes = 2000) const;

 private:
  int descriptor_;
};

// Forks; `body` runs in the child, whose exit status it returns. The child dies with its parent and
// does not see the terminal's interrupts. Aborts when there can be no child.
pid_t fork_child(const Output& output, const std::function<int()>& body);

// "SIGSEGV", "SIGABRT", "signal 64"
std::string signal_name(int signal);

// The result of a run whose process ended without one. `wait_status` as from waitpid; `noted` is
// what note_crashes could still say.
RunResult crashed_run(int wait_status, const std::string& output, RunResult noted = {});

// What the process of a run may take before it is killed. A run that ends by itself never notices.
struct ProcessBounds {
  int stuck_seconds = 60;        // of real time without the end of a run
  uint64_t resident_mib = 4096;  // memory
};
enum class Killed : uint8_t { no, stuck, memory };
// Whether and why the process has to be killed; no run of it has ended since then.
Killed beyond_bounds(pid_t, std::chrono::steady_clock::time_point since, const ProcessBounds&);
RunResult killed_run(Killed, const ProcessBounds&, const std::string& output);

}  // namespace pollux::run
