// SPDX-License-Identifier: MIT
//
// The setuid family: see pollux/shim/carrier.h.
#include <grp.h>
#include <unistd.h>

#include "pollux/shim/carrier.h"
#include "shim/threads/entry.h"

namespace pollux::shim {

constinit RunAsCarrier run_as_carrier = nullptr;

namespace {

// errno is set by libc in the carrier's block while it is the carrier's, and is carried over.
template <typename Function>
int as_carrier(Function function) {
  if (!in_run() || run_as_carrier == nullptr) return function();
  struct Call {
    Function* function;
    int value, error;
  } call = {&function, 0, 0};
  {
    HarnessScope scope;
    run_as_carrier(
        [](void* argument) {
          Call* self = static_cast<Call*>(argument);
          self->value = (*self->function)();
          self->error = errno;
        },
        &call);
  }
  if (call.value != 0) errno = call.error;
  return call.value;
}

}  // namespace
}  // namespace pollux::shim

#define POLLUX_IDENTITY_ENTRY(function, parameters, arguments)       \
  POLLUX_ENTRY int function parameters noexcept {                    \
    auto* real = POLLUX_NEXT(function);                              \
    return pollux::shim::as_carrier([=] { return real arguments; }); \
  }

POLLUX_IDENTITY_ENTRY(setuid, (uid_t id), (id))
POLLUX_IDENTITY_ENTRY(setgid, (gid_t id), (id))
POLLUX_IDENTITY_ENTRY(seteuid, (uid_t id), (id))
POLLUX_IDENTITY_ENTRY(setegid, (gid_t id), (id))
POLLUX_IDENTITY_ENTRY(setreuid, (uid_t real_id, uid_t effective), (real_id, effective))
POLLUX_IDENTITY_ENTRY(setregid, (gid_t real_id, gid_t effective), (real_id, effective))
POLLUX_IDENTITY_ENTRY(setresuid, (uid_t real_id, uid_t effective, uid_t saved),
                      (real_id, effective, saved))
POLLUX_IDENTITY_ENTRY(setresgid, (gid_t real_id, gid_t effective, gid_t saved),
                      (real_id, effective, saved))
POLLUX_IDENTITY_ENTRY(setgroups, (size_t count, const gid_t* groups), (count, groups))
