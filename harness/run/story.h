// SPDX-License-Identifier: MIT
//
// The steps of a run in words: what a step did and where in the program's source.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pollux/world.h"
#include "run/symbols.h"

namespace pollux::run {

// "t1", or "net" for what happens while no thread runs.
std::string thread_name(const StepLog&, Actor);

class Story {
 public:
  explicit Story(const RunResult& run) : run_(run), symbols_(run.log.modules) {}

  const std::vector<Step>& steps() const { return run_.log.steps; }
  const RunResult& run() const { return run_; }

  // "CAS rg of poll_desc 1 (fd 68): NIL -> WAIT", "epoll_wait(65) = 1 [66:IN]", "mutex_lock #2".
  // `object`: what to call a word or thread object without a name, instead of by its number.
  std::string what(const Step&, const std::string& object = "");
  // The same before it is done: no values.
  std::string what_is_next(const Step&);
  // "reads", "accept4", "mutex_lock": on what, and how it ended, left out.
  std::string operation(const Step&);
  // The innermost line of the program itself.
  const CodeLine& where(const Step&);
  // "netpoll_block < poll_wait < poll_fd::read": the program's functions, from the innermost one.
  std::string callers(const Step&, size_t most);

  // `text` with the source of each place that it names as "server+0x1f3": "server.cc:7 in serve".
  std::string with_source(const std::string& text);
  // The program's functions at such a place, the innermost inlined one first: "server.cc:7 in
  // serve". None where the code is of Pollux or the system; the text itself where nobody knows.
  std::vector<std::string> functions_at(const std::string& place);

  // Of such places in a text, the first that is the program's own, with its source; empty: none is.
  std::string own_place_in(const std::string& text);

  // "#3": a word or a thread object without a name, by first appearance.
  std::string object(const Step&);

  const std::string& text(uint32_t index) const;  // of Step::text and Step::wait

  // A step that changed what it accessed.
  static bool changes(const Step&);

 private:
  // In the module with that file name; nullopt: there is none.
  std::optional<uint64_t> place_in(const std::string& module, uint64_t offset) const;
  // nullopt: nobody knows the line.
  std::optional<CodeLine> line_at(uint64_t place);
  std::vector<CodeLine> program_frames(const Step&, size_t most);

  const RunResult& run_;
  Symbols symbols_;
  std::map<uint64_t, unsigned> labels_;  // of addresses without a name, by first appearance
  std::map<uint64_t, CodeLine> where_;   // by stack and place
};

}  // namespace pollux::run
