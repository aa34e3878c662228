// SPDX-License-Identifier: MIT
//
// Processes, their parents, groups and sessions. The first process leads the only group of a
// session that init began: so a shell starts its jobs.
#include <cerrno>

#include "explore/processes.h"
#include "kernel/host.h"
#include "kernel/process_calls.h"
#include "kernel/processes.h"

namespace pollux::kernel {
namespace {

constexpr long kSession = 1;

long own_id() { return process_id(explore::current_host()); }

explore::Process& own() { return explore::process(explore::own_process()); }

// The process of that id, 0: the caller; null: there is none. Only once there are several.
explore::Process* find_process(long id) {
  if (id == 0 || id == own_id()) return &own();
  const unsigned slot = find_other_process(id);
  return slot != explore::kNoProcess ? &explore::process(slot) : nullptr;
}

bool is_own(long id) { return id == 0 || id == own_id(); }

long session_of(const explore::Process& process) {
  return process.session != 0 ? process.session : kSession;
}

bool is_group_of_session(long group, long session) {
  for (unsigned slot = 0; slot < explore::kProcessesMax; ++slot) {
    const explore::Process& member = explore::process(slot);
    if (member.state != explore::ProcessState::free && member.group == group &&
        session_of(member) == session)
      return true;
  }
  return false;
}

}  // namespace

long own_group() { return explore::forked() ? own().group : own_id(); }

long call_getpid(const Arguments&) { return own_id(); }

// Whoever started the first one is none of the run's world: init has taken it over, and takes over
// whose parent has ended.
long call_getppid(const Arguments&) {
  if (!explore::in_child() || own().parent == explore::kNoProcess) return 1;
  return explore::process(own().parent).id;
}

long call_getpgrp(const Arguments&) { return own_group(); }

long call_getpgid(const Arguments& a) {
  if (is_own(a.integer(0))) return own_group();
  const explore::Process* asked = find_process(a.integer(0));
  return asked != nullptr ? asked->group : -ESRCH;
}

long call_setpgid(const Arguments& a) {
  long group = a.integer(1) != 0 ? a.integer(1) : a.integer(0);  // 0: that of the process's number
  if (group < 0) return -EINVAL;
  if (!explore::forked()) {
    if (!is_own(a.integer(0))) return -ESRCH;
    return is_own(group) ? 0 : -EPERM;  // there is no other group to join
  }
  explore::Process* asked = find_process(a.integer(0));
  if (asked == nullptr || (asked != &own() && asked->parent != explore::own_process()))
    return -ESRCH;
  if (session_of(*asked) != session_of(own()) || session_of(*asked) == asked->id) return -EPERM;
  if (group == 0) group = asked->id;
  if (group != asked->id && !is_group_of_session(group, session_of(own()))) return -EPERM;
  asked->group = group;
  return 0;
}

long call_getsid(const Arguments& a) {
  if (!explore::forked()) return is_own(a.integer(0)) ? kSession : -ESRCH;
  const explore::Process* asked = find_process(a.integer(0));
  return asked != nullptr ? session_of(*asked) : -ESRCH;
}

// Not for the leader of a group (setsid(2)).
long call_setsid(const Arguments&) {
  if (!explore::forked() || own().group == own().id) return -EPERM;
  own().group = own().session = own().id;
  return own().id;
}

}  // namespace pollux::kernel
