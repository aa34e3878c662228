// SPDX-License-Identifier: MIT
//
// Places in code are written as MODULE+0xOFFSET, which means the same in each run and which tools
// understand; the command turns them into functions and lines. The reason begins with the two
// places, since the two together are which race it is.
#include "explore/race_report.h"

#include <dlfcn.h>
#include <unwind.h>

#include <cstdio>
#include <string>

#include "explore/state.h"

namespace pollux::explore {
namespace {

// `code` is a return address: the call is in front of it.
std::string place_name(uintptr_t code) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(code), &info) == 0 || info.dli_fname == nullptr) {
    return "?";
  }
  std::string file = info.dli_fname;
  file = file.substr(file.rfind('/') + 1);
  char offset[32];
  std::snprintf(offset, sizeof offset, "+0x%zx",
                static_cast<size_t>(code - 1 - reinterpret_cast<uintptr_t>(info.dli_fbase)));
  return file + offset;
}

std::string sentence(const RaceParty& party, const char* read, const char* write) {
  return std::string(party.thread) + " " + (party.writes ? write : read) + " " +
         std::to_string(party.size) + (party.size == 1 ? " byte" : " bytes") +
         (party.atomic ? " atomically" : "");
}

struct Walk {
  uintptr_t from;  // the frame of the access; what is below it is the detector's
  bool begun;
  std::string text;
  unsigned frames;
};

_Unwind_Reason_Code step(_Unwind_Context* context, void* argument) {
  constexpr unsigned kFramesMax = 24;
  Walk& walk = *static_cast<Walk*>(argument);
  uintptr_t code = _Unwind_GetIP(context);
  walk.begun = walk.begun || code == walk.from;
  if (!walk.begun || code == 0) return _URC_NO_REASON;
  walk.text += "  " + place_name(code) + "\n";
  return ++walk.frames == kFramesMax ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

std::string stack_from(uintptr_t code) {
  Walk walk = {code, false, "", 0};
  _Unwind_Backtrace(step, &walk);
  return walk.begun ? walk.text : "  " + place_name(code) + "\n";
}

std::string& details() {
  static auto* const text = new std::string;  // outlives the exit handlers, like the state
  return *text;
}

}  // namespace

const std::string& race_details() { return details(); }

void report_race(const RaceParty& earlier, const RaceParty& later) {
  std::string first = place_name(earlier.code), second = place_name(later.code);
  details() = sentence(later, "reads", "writes") + ":\n" + stack_from(later.code) +
              sentence(earlier, "read", "wrote") + ":\n  " + first + "\n";
  end_run(Verdict::data_race, second + " / " + first + ": " + sentence(later, "reads", "writes") +
                                  " that " + sentence(earlier, "read", "wrote") +
                                  ", and nothing orders the two");
}

}  // namespace pollux::explore
