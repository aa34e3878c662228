// SPDX-License-Identifier: MIT

#include "oracle/judges.h"

#include "explore/leaks.h"
#include "explore/scheduler.h"
#include "kernel/kernel.h"

namespace pollux::oracle {

Finding judge_stuck_run() {
  const std::vector<kernel::StuckDescriptor> stuck = kernel::kernel().stuck_descriptors();
  if (stuck.empty()) return {Verdict::deadlock, explore::describe_threads()};

  const kernel::StuckDescriptor& first = stuck.front();
  std::string reason = "host " + std::to_string(first.host) + " fd " + std::to_string(first.fd) +
                       " is ready (" + first.describe + ") and nobody acts; " +
                       explore::describe_threads();
  if (stuck.size() > 1) reason += "; and " + std::to_string(stuck.size() - 1) + " more such fd";
  return {Verdict::lost_wakeup, reason};
}

Finding judge_ended_run() {
  const std::vector<std::string> open = kernel::kernel().open_descriptors();
  if (open.empty()) return {Verdict::held, ""};
  std::string reason = std::to_string(open.size()) + " descriptors left open:";
  for (size_t i = 0; i < open.size() && i < 4; ++i) reason += (i == 0 ? " " : ", ") + open[i];
  if (open.size() > 4) reason += ", ...";
  return {Verdict::leaked_fd, reason};
}

void look_for_lost_memory(uintptr_t stack) {
  explore::mark_lost_blocks(stack, kernel::kernel().user_words());
}

Finding judge_memory() {
  const std::optional<explore::LostMemory> lost = explore::lost_memory();
  if (!lost) return {Verdict::held, ""};
  return {Verdict::leaked_memory, lost->reason};
}

std::string describe_world() {
  std::string text = "threads: " + explore::describe_threads() + "\n";
  text += kernel::kernel().dump();
  return text;
}

}  // namespace pollux::oracle
