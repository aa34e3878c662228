// SPDX-License-Identifier: MIT
//
// The loader calls program code (constructors, destructors, callbacks) under a lock of its own: no
// switch inside. Outside of a run these are tail calls, so that the loader sees the true caller,
// whose search path counts.
#include <dlfcn.h>
#include <link.h>

#include "shim/threads/entry.h"

using namespace pollux::shim;

namespace {

class LoaderSection {
 public:
  LoaderSection() {
    HarnessScope scope;
    backend().threads->no_preempt_begin();
  }
  ~LoaderSection() {
    HarnessScope scope;
    backend().threads->no_preempt_end();
  }
};

}  // namespace

POLLUX_ENTRY void* dlopen(const char* file, int mode) noexcept {
  if (!in_run()) return POLLUX_NEXT(dlopen)(file, mode);
  LoaderSection section;
  return POLLUX_NEXT(dlopen)(file, mode);
}

POLLUX_ENTRY int dlclose(void* handle) noexcept {
  if (!in_run()) return POLLUX_NEXT(dlclose)(handle);
  LoaderSection section;
  return POLLUX_NEXT(dlclose)(handle);
}

POLLUX_ENTRY int dl_iterate_phdr(int (*callback)(dl_phdr_info*, size_t, void*), void* argument) {
  if (!in_run()) return POLLUX_NEXT(dl_iterate_phdr)(callback, argument);
  LoaderSection section;
  return POLLUX_NEXT(dl_iterate_phdr)(callback, argument);
}
