// SPDX-License-Identifier: MIT
//
// The end of the program: main returns or exit(3) is called, which is where it has done all that it
// wanted to; and the ways out of a process that pass by the handlers of exit(3).
#include "cli/exec_exit.h"

#include <dlfcn.h>
#include <sys/syscall.h>

#include <cstdlib>

#include "pollux/shim/raw_system_call.h"

#define POLLUX_ENTRY extern "C" __attribute__((visibility("default")))

namespace {

using Main = int (*)(int, char**, char**);

constinit Main program_main = nullptr;

// What the program has in registers may be all that it has of a block.
__attribute__((noinline)) void note_return() {
  __builtin_unwind_init();
  pollux::cli::program_returns();
  asm volatile("");  // not a jump: the registers stay on the stack until then
}

int main_and_return(int count, char** arguments, char** environment) {
  int status = program_main(count, arguments, environment);
  note_return();
  return status;
}

template <class Function>
Function* next(const char* name, Function*) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// What crt1.o calls, and what never comes back when main has returned.
POLLUX_ENTRY int __libc_start_main(Main main, int count, char** arguments, void (*init)(),
                                   void (*fini)(), void (*loader_fini)(), void* stack_end) {
  program_main = main;
  return next("__libc_start_main", &__libc_start_main)(main_and_return, count, arguments, init,
                                                       fini, loader_fini, stack_end);
}

POLLUX_ENTRY __attribute__((noreturn)) void exit(int status) noexcept {
  note_return();
  next("exit", &std::exit)(status);
  __builtin_unreachable();
}

POLLUX_ENTRY __attribute__((noreturn)) void _exit(int status) {
  pollux::cli::program_exits(status);
  pollux::shim::raw_system_call(SYS_exit_group, status);
  __builtin_unreachable();
}

POLLUX_ENTRY __attribute__((noreturn)) void _Exit(int status) noexcept { _exit(status); }
POLLUX_ENTRY __attribute__((noreturn)) void quick_exit(int status) noexcept { _exit(status); }

// The library's own static objects are not destroyed: the loader would do so before the verdict is
// taken, since exit handlers that were registered ahead of main come after it. Hidden, so that the
// program's objects are none of its business.
extern "C" __attribute__((visibility("hidden"))) int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}
