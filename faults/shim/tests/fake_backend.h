// SPDX-License-Identifier: MIT
//
// A backend that writes down what it is asked and answers what it is told to.
#pragma once

#include <array>
#include <string>

#include "pollux/shim/backend.h"
#include "pollux/shim/gate.h"

namespace pollux::shim {

struct FakeBackend final : SystemCalls, Unmodelled {
  long number = -1;
  std::array<long, 6> arguments = {};
  int calls = 0;
  bool gate_was_open = false;
  long answer = 0;
  std::string refused;
  // Called in place of `answer`, when set.
  long (*act)(long number, const std::array<long, 6>& arguments) = nullptr;

  FakeBackend() {
    Backend backend;
    backend.calls = this;
    backend.unmodelled = this;
    install_backend(backend);
  }
  ~FakeBackend() { install_backend({}); }

  long system_call(long nr, long a0, long a1, long a2, long a3, long a4, long a5) override {
    ++calls;
    gate_was_open = in_run();
    number = nr;
    arguments = {a0, a1, a2, a3, a4, a5};
    return act != nullptr ? act(number, arguments) : answer;
  }
  void unmodelled(const char* name) override { refused = name; }
};

// While alive, the calling thread's code belongs to a run.
class PretendRun {
 public:
  PretendRun() { pollux_gate = thread_pointer(); }
  ~PretendRun() { pollux_gate = 0; }
};

// What `code` returns when it runs inside of a run.
template <typename Code>
auto in_a_run(Code code) {
  PretendRun run;
  return code();
}

}  // namespace pollux::shim
