// SPDX-License-Identifier: MIT
#include "explore/memory_roots.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "explore/harness_heap.h"
#include "explore/modules.h"
#include "explore/program_heap.h"
#include "explore/state.h"
#include "explore/touched_pages.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

constexpr unsigned kNotedMax = 1024;  // beyond: roots, which hide a leak at worst
constinit MemoryRange noted[kNotedMax];
constinit unsigned noted_count = 0;

struct Mapping {
  MemoryRange range;
  bool readable, writable, shared;
  std::string_view name;
};

// "55d0-55e0 rw-p 00000000 00:00 0   [heap]"
Mapping parse_mapping(std::string_view line) {
  Mapping mapping = {};
  size_t dash = line.find('-'), space = line.find(' ');
  std::from_chars(line.data(), line.data() + dash, mapping.range.low, 16);
  std::from_chars(line.data() + dash + 1, line.data() + space, mapping.range.high, 16);
  mapping.readable = line[space + 1] == 'r';
  mapping.writable = line[space + 2] == 'w';
  mapping.shared = line[space + 4] == 's';
  for (unsigned field = 0; field < 4 && space != line.npos; ++field)
    space = line.find(' ', space + 1);
  if (space != line.npos) space = line.find_first_not_of(' ', space);
  if (space != line.npos) mapping.name = line.substr(space);
  return mapping;
}

// --- What is in use of the stacks

struct Stacks {
  std::vector<MemoryRange> unused;  // no roots
  std::vector<MemoryRange> kept;    // roots, though they lie in what is unused
  uintptr_t main = 0;               // how far down that of the process is in use; 0: not at all
};

bool is_alive(const Thread& thread) {
  return thread.state == ThreadState::runnable || thread.state == ThreadState::blocked;
}

void look_at_donor(Actor id, const Donor& donor, uintptr_t stack, Stacks& stacks) {
  const Thread& thread = state.threads[id];
  const bool is_used = id < state.thread_count && thread.donor == &donor && is_alive(thread);
  auto low = reinterpret_cast<uintptr_t>(donor.stack_low),
       high = reinterpret_cast<uintptr_t>(donor.stack_high);
  // The control block and what libc and the loader keep in there outlive the virtual thread.
  for (MemoryRange range : kept_static_tls(donor.thread_pointer)) stacks.kept.push_back(range);
  if (!is_used) {
    stacks.unused.push_back({low, std::min(donor.thread_pointer, high)});
    return;
  }
  const bool is_this = state.process_end != nullptr && id == state.current;
  uintptr_t in_use = is_this ? stack : reinterpret_cast<uintptr_t>(state.contexts[id].stack);
  // Elsewhere: a coroutine's stack, which is a root as a whole; this one then is one, too.
  if (in_use >= low && in_use < high) stacks.unused.push_back({low, in_use});
}

Stacks look_at_stacks(uintptr_t stack) {
  Stacks stacks;
  for (unsigned id = 0; id < kThreadsMax; ++id) {
    const Donor* donor = donor_if_created(static_cast<Actor>(id));
    if (donor != nullptr) look_at_donor(static_cast<Actor>(id), *donor, stack, stacks);
  }
  const bool main_is_suspended = state.process_end != nullptr && state.current != 0;
  if (!main_is_suspended) {
    stacks.main = stack;
  } else if (is_alive(state.threads[0])) {
    stacks.main = reinterpret_cast<uintptr_t>(state.contexts[0].stack);
  }
  return stacks;
}

// --- Ranges

// Visits what is left of `range` without `holes`, which are sorted.
template <class Visit>
void visit_without(MemoryRange range, const std::vector<MemoryRange>& holes, Visit visit) {
  for (const MemoryRange& hole : holes) {
    if (hole.high <= range.low) continue;
    if (hole.low >= range.high) break;
    if (hole.low > range.low) visit(MemoryRange{range.low, hole.low});
    range.low = std::max(range.low, std::min(hole.high, range.high));
  }
  if (range.low < range.high) visit(range);
}

bool is_library(const Mapping& mapping) { return mapping.name.find(".so") != mapping.name.npos; }

// Memory that somebody may have written a pointer to. What is anonymous may have been made
// read-only since.
bool may_hold_pointers(const Mapping& mapping, bool knows_pages) {
  if (!mapping.readable || mapping.name.starts_with("[v")) return false;
  if (mapping.shared && !knows_pages) return false;
  return mapping.writable || mapping.name.empty() || mapping.name.starts_with("[anon");
}

}  // namespace

void note_harness_memory(const void* at, size_t size) {
  auto low = reinterpret_cast<uintptr_t>(at);
  if (noted_count < kNotedMax) noted[noted_count++] = {low, low + size};
}

void forget_harness_memory(const void* at) {
  MemoryRange* end = noted + noted_count;
  MemoryRange* found = std::find_if(noted, end, [at](const MemoryRange& range) {
    return range.low == reinterpret_cast<uintptr_t>(at);
  });
  if (found != end) *found = noted[--noted_count];
}

void visit_roots(uintptr_t stack, const RootVisitor& visitor) {
  const std::string maps = ProcFile("/proc/self/maps").read_all();
  const TouchedPages pages;
  const Stacks stacks = look_at_stacks(stack);
  // In process mode the harness has its memory to itself.
  const bool shares_memory = state.process_end == nullptr;

  std::vector<MemoryRange> holes(noted, noted + noted_count);
  holes.insert(holes.end(), stacks.unused.begin(), stacks.unused.end());
  holes.push_back(harness_heap.reserved());
  holes.push_back(program_heap.reserved());
  std::sort(holes.begin(), holes.end(),
            [](const MemoryRange& a, const MemoryRange& b) { return a.low < b.low; });

  for (std::string_view rest = maps; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size() - 1);
    Mapping mapping = parse_mapping(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (!may_hold_pointers(mapping, pages.are_known())) continue;
    if (mapping.name == "[stack]") {
      if (stacks.main == 0) continue;
      // Elsewhere: as for donors.
      if (stacks.main > mapping.range.low && stacks.main < mapping.range.high)
        mapping.range.low = stacks.main;
    }
    const bool strong = !shares_memory || is_library(mapping);
    visit_without(mapping.range, holes, [&](MemoryRange range) {
      for (MemoryRange touched : pages.in(range)) visitor(touched, strong);
    });
  }
  program_heap.visit_older(
      [&](const ProgramBlock& block) { visitor(block.range(), !shares_memory); });
  for (MemoryRange range : stacks.kept) visitor(range, true);

  auto visit_word = [&](const void* word) {
    auto low = reinterpret_cast<uintptr_t>(&word);
    visitor({low, low + sizeof word}, true);
  };
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const Thread& thread = state.threads[id];
    if (is_alive(thread)) {
      if (thread.donor != nullptr) visit_word(thread.argument);
      for (const Thread::Destructor& destructor : thread.destructors) visit_word(destructor.object);
    }
    if (thread.state == ThreadState::done && !thread.detached) visit_word(thread.result);
    // Its control block, where libc has keys and the way to thread-local storage on demand.
    if (const Donor* donor = thread.donor)
      visitor({donor->thread_pointer, reinterpret_cast<uintptr_t>(donor->stack_high)}, true);
  }
  // Who asks for one forgets it, since only the kernel needs it.
  stack_t signal_stack = {};
  shim::raw_system_call(SYS_sigaltstack, 0, reinterpret_cast<long>(&signal_stack));
  visit_word(signal_stack.ss_sp);
}

}  // namespace pollux::explore
