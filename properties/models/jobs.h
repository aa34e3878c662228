// SPDX-License-Identifier: MIT
//
// Jobs: what goroutines do to each other and to the workers that run them.
//
// Each job is a goroutine with a list of steps. Tokens tie them together: one step posts a token,
// at most one step of a job waits for it, in one of three ways. The last of them keeps the worker:
// then the poster must get another one, and a runtime that leaves a goroutine in a queue while a
// worker sleeps stands still for ever. Jobs are made so that none can be stuck otherwise: whatever
// the order, one worker at least is free to run what can run; and jobs that keep workers while
// others wait for I/O have the monitor, since without it I/O waits until a worker runs out of
// goroutines (RuntimeOptions::sysmon).
//
// The text form ("w2;m;j[b0];j[s10us,p0]") is what tokens carry; it is canonical: to_text(parse(t))
// == t for every t that parses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::properties {

enum class StepKind : char {
  post = 'p',   // posts the token
  timer = 't',  // has a timer post the token a little later, whoever waits for it by then
  await = 'a',  // parks until the token is posted
  read = 'r',   // parks in the poller until the token is posted: its post makes a descriptor ready
  block = 'b',  // keeps its worker, as a blocking system call does, until the token is posted
  sleep = 's',  // parks for that time
  deadline = 'd',  // reads where nothing comes under a deadline of that time
  hold = 'h',      // keeps its worker for that time
  yield = 'y',
};

// What stands behind the letter.
enum class StepArgument : uint8_t { none, token, duration };
StepArgument argument_of(StepKind);

struct Step {
  StepKind kind;
  uint32_t argument = 0;  // a token, or microseconds

  friend bool operator==(const Step&, const Step&) = default;
};

using Job = std::vector<Step>;

struct Jobs {
  uint32_t workers = 1;  // w
  bool monitor = false;  // m: with the runtime's monitor thread
  std::vector<Job> jobs;

  friend bool operator==(const Jobs&, const Jobs&) = default;
};

inline constexpr uint32_t kJobWorkersMax = 4;
inline constexpr size_t kJobsMax = 16;
inline constexpr size_t kStepsMax = 32;
inline constexpr uint32_t kTokensMax = 32;
inline constexpr uint32_t kStepMicrosMax = 1'000'000;

std::string to_text(const Jobs&);
// The error is one line: what, where, what would be right.
std::variant<Jobs, std::string> parse_jobs(std::string_view text);
// Empty, or one line that says which rule is broken: each token is posted once and awaited at most
// once, one that a timer posts exactly once; no cycle of waits; fewer jobs that block than workers;
// the monitor where some block and some read.
std::string check_rules(const Jobs&);
// For a person, one line.
std::string describe(const Jobs&);

}  // namespace pollux::properties
