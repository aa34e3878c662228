// SPDX-License-Identifier: MIT
//
// Signals that come in the middle of a run, in a process that somebody else watches.
//
// A fuzzer handles SIGSEGV and the like by writing its input to a file. In a run that handler would
// be taken for program code, and its file would be one of the twin. The guard stands before it: the
// run's gate is closed for as long as the handler works. A crash can not be reported as other
// verdicts are, since the heap may be broken; so the guard says which command runs it again in a
// child process, where a crash does no harm, and makes a token.
//
// A run that never ends makes no choices to be bounded by, and the alarm of libFuzzer's -timeout
// does not know its virtual threads. When two alarms come during one run, the guard aborts the
// process.
//
// Threads: one guard at a time, on the thread that runs the fuzzer.
#pragma once

#include <string>

namespace pollux::fuzz {

class Guard {
 public:
  // The first one of the process takes the handlers over.
  explicit Guard(std::string command);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

}  // namespace pollux::fuzz
