// SPDX-License-Identifier: MIT
//
// Facts about Linux: one source, checked on two arms.
//
// The same test objects are linked twice. `:linux` runs them on the real kernel, `:twin` runs each
// of them inside a World. A test never asks on which arm it is, and states only what Linux promises
// or always does; what Linux leaves open (how many bytes, which of two packets first) is no fact.
//
//   CONFORMANCE(TcpClose, PeerHalfCloses) {
//     TcpPair pair;
//     FACT(shutdown(pair.client, SHUT_WR), Succeeds(0));
//     settle();
//     FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
//     FACT(receive(pair.server, 10), Succeeds(0));
//   }
//
// Facts are checked on the test's own thread; a helper thread stores what it saw in a variable.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace conformance {

// --- What was seen. Each kind has one printed form, and facts are compared in it.

struct Ready {
  uint32_t bits;  // POLL*/EPOLL* bits
};

struct ErrorCode {
  int value;  // an errno that was returned as a value, as by SO_ERROR; 0: none
};

struct EventList {
  struct Event {
    uint64_t tag;
    uint32_t bits;
  };
  long result;  // of the wait; negative: `error` says why
  int error;
  std::vector<Event> events;
};

struct Observation {
  std::string text;
  bool success = false;  // a call that did not fail
};

std::string error_name(int error);     // "EAGAIN"; "0" for none
std::string mask_text(uint32_t bits);  // "IN|OUT", in the order IN PRI OUT RDHUP HUP ERR NVAL

Observation observation(long result, int error);
Observation observation(const Ready&);
Observation observation(const ErrorCode&);
Observation observation(const EventList&);
Observation observation(bool);

// Makes the call with errno cleared.
template <typename Call>
Observation observe(Call&& call) {
  errno = 0;
  auto result = call();
  int error = errno;
  if constexpr (std::is_same_v<decltype(result), bool> || std::is_class_v<decltype(result)>) {
    return observation(result);
  } else {
    return observation(static_cast<long>(result), error);
  }
}

// --- What must hold.

struct Expectation {
  std::string text;
  bool any_success = false;
};

Expectation Succeeds();                // any result that is not a failure
Expectation Succeeds(long value);      // that result
Expectation FailsWith(int error);      // -1 and that errno
Expectation Mask(const char* text);    // exactly these bits; "0": none
Expectation Error(int error);          // an ErrorCode
Expectation Events(const char* text);  // "IN|OUT", or with tags "1:IN 2:IN|OUT", in this order
Expectation NoEvents();
Expectation Holds();  // true

// --- The sheet of one test.

struct Failure {
  std::string file;
  int line;
  std::string text;
};

struct Sheet {
  std::vector<std::string> lines;  // one per fact, "call -> what was seen"
  std::vector<Failure> failures;
};

// Writes the fact on the sheet of the test that runs.
void check(const char* file, int line, const char* call, const Observation& seen,
           const Expectation& expected);

#define FACT(call, expectation)                                                                 \
  ::conformance::check(__FILE__, __LINE__, #call, ::conformance::observe([&] { return call; }), \
                       expectation)

// Ends the test: the ground on which its facts stand is missing.
[[noreturn]] void give_up(const std::string& why);
// The result of a call that has to work for the test to make sense.
long must(long result, const char* what);

// --- Running.

using Body = std::function<void()>;

// Runs the body with `sheet` as its sheet; what escapes from it becomes a failure.
void fill_in(Sheet& sheet, const Body& body);

// Provided by each arm: runs the body where the arm runs things and reports to GoogleTest.
void run_on_arm(const std::string& test, const Body& body);

// Shared by the arms' main(): counts, and prints facts under --print.
bool take_print_flag(int* argc, char** argv);
void report(const std::string& test, const Sheet& sheet, bool as_gtest_failures);
void report_failures(const Sheet& sheet);
size_t facts_checked();

#define CONFORMANCE(suite, name)                                                                   \
  static void conformance_##suite##_##name();                                                      \
  TEST(suite, name) { ::conformance::run_on_arm(#suite "." #name, conformance_##suite##_##name); } \
  static void conformance_##suite##_##name()

}  // namespace conformance
