// SPDX-License-Identifier: MIT
#include "fact.h"

#include <poll.h>
#include <string.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace conformance {
namespace {

Sheet* current_sheet = nullptr;
bool print_facts = false;
size_t facts = 0;

struct GaveUp : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

std::string error_name(int error) {
  if (error == 0) return "0";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

std::string mask_text(uint32_t bits) {
  static constexpr struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},  {POLLRDHUP, "RDHUP"},
                {POLLHUP, "HUP"}, {POLLERR, "ERR"}, {POLLNVAL, "NVAL"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((bits & bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += name;
    bits &= ~bit;
  }
  if (bits != 0) text += "|+" + std::to_string(bits);
  return text.empty() ? "0" : text;
}

Observation observation(long result, int error) {
  if (result == -1) return {"-1 " + error_name(error), false};
  return {std::to_string(result), true};
}

Observation observation(const Ready& ready) { return {mask_text(ready.bits), true}; }

Observation observation(const ErrorCode& code) { return {error_name(code.value), true}; }

Observation observation(const EventList& list) {
  if (list.result < 0) return observation(list.result, list.error);
  if (list.events.empty()) return {"no events", true};
  std::string text;
  for (const EventList::Event& event : list.events) {
    if (!text.empty()) text += ' ';
    if (event.tag != 0) text += std::to_string(event.tag) + ':';
    text += mask_text(event.bits);
  }
  return {text, true};
}

Observation observation(bool truth) { return {truth ? "true" : "false", true}; }

Expectation Succeeds() { return {"success", true}; }
Expectation Succeeds(long value) { return {std::to_string(value)}; }
Expectation FailsWith(int error) { return {"-1 " + error_name(error)}; }
Expectation Mask(const char* text) { return {text}; }
Expectation Error(int error) { return {error_name(error)}; }
Expectation Events(const char* text) { return {text}; }
Expectation NoEvents() { return {"no events"}; }
Expectation Holds() { return {"true"}; }

void check(const char* file, int line, const char* call, const Observation& seen,
           const Expectation& expected) {
  bool agrees = expected.any_success ? seen.success : seen.text == expected.text;
  // A success without a stated value is a descriptor or the like: its number is no fact.
  const std::string& shown = expected.any_success && agrees ? expected.text : seen.text;
  current_sheet->lines.push_back(std::string(call) + " -> " + shown);
  if (!agrees) {
    current_sheet->failures.push_back(
        {file, line,
         std::string(call) + "\n  Linux: " + expected.text + "\n  here:  " + seen.text});
  }
}

void give_up(const std::string& why) { throw GaveUp(why); }

long must(long result, const char* what) {
  if (result < 0) give_up(std::string(what) + ": " + error_name(errno));
  return result;
}

void fill_in(Sheet& sheet, const Body& body) {
  current_sheet = &sheet;
  try {
    body();
  } catch (const std::exception& problem) {
    sheet.failures.push_back({__FILE__, __LINE__, std::string("gave up: ") + problem.what()});
  }
  current_sheet = nullptr;
}

bool take_print_flag(int* argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--print") == 0) {
      print_facts = true;
    } else {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  argv[kept] = nullptr;
  return print_facts;
}

void report(const std::string& test, const Sheet& sheet, bool as_gtest_failures) {
  facts += sheet.lines.size();
  if (print_facts) {
    for (const std::string& line : sheet.lines) std::printf("%s: %s\n", test.c_str(), line.c_str());
  }
  if (as_gtest_failures) report_failures(sheet);
}

void report_failures(const Sheet& sheet) {
  for (const Failure& failure : sheet.failures) {
    ADD_FAILURE_AT(failure.file.c_str(), failure.line) << failure.text;
  }
}

size_t facts_checked() { return facts; }

}  // namespace conformance
