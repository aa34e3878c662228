// SPDX-License-Identifier: MIT
//
// Places in code are written as MODULE+0xOFFSET, which means the same in each run and which tools
// understand; the command turns them into functions and lines. The reason begins with the two
// places, since the two together are which race it is.
#include "explore/race_report.h"

#include <charconv>

#include "explore/call_stack.h"
#include "explore/modules.h"
#include "explore/state.h"

namespace pollux::explore {
namespace {

std::string sentence(const RaceParty& party, const char* read, const char* write) {
  return std::string(party.thread) + " " + (party.writes ? write : read) + " " +
         std::to_string(party.size) + (party.size == 1 ? " byte" : " bytes") +
         (party.atomic ? " atomically" : "");
}

// In front of the number of an access, and behind it.
constexpr std::string_view kNumber = ", access ", kOfRun = " of the run:\n";

std::string lines_of(const CallStack& stack, uintptr_t code) {
  if (stack.count == 0) return "  " + place_name(code) + "\n";
  std::string text;
  for (unsigned i = 0; i < stack.count; ++i) text += "  " + place_name(stack.frames[i]) + "\n";
  return text;
}

std::string& details() {
  static auto* const text = new std::string;  // outlives the exit handlers, like the state
  return *text;
}

}  // namespace

CallStack stack_from(uintptr_t code) {
  CallStack stack;
  stack.count = frames_from(code, stack.frames);
  return stack;
}

const std::string& race_details() { return details(); }

void report_race(const RaceParty& earlier, const CallStack& stack, const RaceParty& later) {
  std::string first = place_name(earlier.code), second = place_name(later.code);
  details() = sentence(later, "reads", "writes") + ":\n" +
              lines_of(stack_from(later.code), later.code) + sentence(earlier, "read", "wrote") +
              std::string(kNumber) + std::to_string(earlier.number) + std::string(kOfRun) +
              lines_of(stack, earlier.code) +
              (stack.count == 0 ? std::string(kNoCallers) + "\n" : "");
  end_run(Verdict::data_race, second + " / " + first + ": " + sentence(later, "reads", "writes") +
                                  " that " + sentence(earlier, "read", "wrote") +
                                  ", and nothing orders the two");
}

uint32_t earlier_access(const std::string& details) {
  const size_t end = details.find(kOfRun);
  const size_t begin = end == std::string::npos ? end : details.rfind(kNumber, end);
  if (begin == std::string::npos) return 0;
  const char* digits = details.data() + begin + kNumber.size();
  uint32_t number = 0;
  auto [at, error] = std::from_chars(digits, details.data() + end, number);
  return error == std::errc() && at == details.data() + end ? number : 0;
}

}  // namespace pollux::explore
