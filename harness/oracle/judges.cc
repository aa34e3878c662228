// SPDX-License-Identifier: MIT

#include "oracle/judges.h"

#include "explore/scheduler.h"
#include "kernel/kernel.h"

namespace pollux::oracle {
namespace {

std::string waiting_threads() {
  std::string text;
  for (unsigned id = 0; id < explore::thread_count(); ++id) {
    const explore::ThreadInfo thread = explore::thread_info(static_cast<Actor>(id));
    if (!thread.alive) continue;
    if (!text.empty()) text += ", ";
    text += thread.name;
    text += thread.waits_for == explore::Why::nothing ? " can run" : " waits for ";
    if (thread.waits_for != explore::Why::nothing) text += explore::to_string(thread.waits_for);
  }
  return text;
}

}  // namespace

Finding judge_stuck_run() {
  const std::vector<kernel::StuckDescriptor> stuck = kernel::kernel().stuck_descriptors();
  if (stuck.empty()) return {Verdict::deadlock, waiting_threads()};

  const kernel::StuckDescriptor& first = stuck.front();
  std::string reason = "host " + std::to_string(first.host) + " fd " + std::to_string(first.fd) +
                       " is ready (" + first.describe + ") and nobody acts; " + waiting_threads();
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

std::string describe_world() {
  std::string text = "threads: " + waiting_threads() + "\n";
  text += kernel::kernel().dump();
  return text;
}

}  // namespace pollux::oracle
