// SPDX-License-Identifier: MIT
#include "kernel/misuse.h"

#include <cerrno>

#include "explore/judge_notes.h"
#include "explore/state.h"
#include "kernel/host.h"

namespace pollux::kernel {
namespace {

using explore::take_note;

const char* caller() { return explore::current().name; }

// False when the number is open, so that EBADF says something else (the direction, say).
bool judge_descriptor(const Call& call, int fd) {
  if (!is_twin_fd(fd) || get_file(fd) != nullptr) return false;
  const Actor closer = current().fds.closed_by(fd);
  if (closer == kNetwork) {
    take_note(NoteKind::bad_descriptor, "%s calls %s with descriptor %d, which nobody has opened",
              caller(), call.name, fd);
    return true;
  }
  const char* by =
      closer == explore::state.current ? "itself" : explore::state.threads[closer].name;
  if (call.handler == call_close) {
    take_note(NoteKind::double_close, "%s closes descriptor %d, which %s has closed before",
              caller(), fd, by);
  } else {
    take_note(NoteKind::use_after_close, "%s calls %s with descriptor %d, which %s has closed",
              caller(), call.name, fd, by);
  }
  return true;
}

// The third argument of a call that moves bytes is how many, or how many pieces.
void judge_size(const Call& call, const Arguments& a) {
  take_note(NoteKind::bad_size, "%s calls %s(%d) with the size %ld", caller(), call.name,
            a.integer(0), a[2]);
}

}  // namespace

void judge_failed_call(const Call& call, const Arguments& a, long error) {
  if (current().spared) return;  // a scripted client's
  switch (error) {
    case EBADF:
      if (call.route == Route::by_fd || call.route == Route::by_fds) {
        if (judge_descriptor(call, a.integer(0))) return;
      }
      if (call.handler == call_epoll_ctl) {
        judge_descriptor(call, a.integer(2));
      } else if (call.route == Route::by_fds) {
        judge_descriptor(call, a.integer(call.second_fd));
      }
      return;
    case EFAULT:
      if (call.is_transfer && a[2] < 0) return judge_size(call, a);
      take_note(NoteKind::bad_address, "%s calls %s with an address that it does not have",
                caller(), call.name);
      return;
    case EINVAL:
    case EMSGSIZE:
      if (call.is_transfer && a[2] < 0) judge_size(call, a);
      return;
    default:
      return;
  }
}

void judge_negative_descriptor(const Call& call, const Arguments& a) {
  if (call.handler == call_close || current().spared) return;
  take_note(NoteKind::bad_descriptor, "%s calls %s with descriptor %d", caller(), call.name,
            a.integer(0));
}

}  // namespace pollux::kernel
