// SPDX-License-Identifier: MIT
//
// A seccomp filter traps every system call whose instruction lies outside of this library, save for
// calls that say nothing of the run's world: those which the twin itself passes on, and those on
// real descriptors. SIGSYS then arrives at the instruction; its handler notes who that was, makes
// the call from here, where the filter lets it pass, and puts the result where the program expects
// it.
//
// What libc does with all signals blocked can not be trapped (it would be killed), so the calls
// around the start of a real thread are let through. That there is one shows at the end of the run.
#include "cli/exec_escapes.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "explore/call_stack.h"
#include "explore/donor.h"
#include "kernel/calls.h"
#include "kernel/kernel.h"
#include "kernel/proc_files.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "run/check.h"

namespace pollux::cli {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

EscapeLog* log = nullptr;

struct Range {
  uintptr_t begin = 0, end = 0;
};

// This library's code.
Range own_code() {
  Range code;
  ::dl_iterate_phdr(
      [](dl_phdr_info* module, size_t, void* result) {
        auto here = reinterpret_cast<uintptr_t>(&own_code);
        for (unsigned i = 0; i < module->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = module->dlpi_phdr[i];
          uintptr_t begin = module->dlpi_addr + segment.p_vaddr;
          if (segment.p_type != PT_LOAD || here < begin || here >= begin + segment.p_memsz)
            continue;
          *static_cast<Range*>(result) = {begin, begin + segment.p_memsz};
          return 1;
        }
        return 0;
      },
      &code);
  return code;
}

// "libc.so.6 (__socket+7)"
std::string describe(uintptr_t code) {
  Dl_info where;
  char offset[32];
  if (::dladdr(reinterpret_cast<void*>(code), &where) == 0 || where.dli_fname == nullptr) {
    std::snprintf(offset, sizeof offset, "0x%lx", static_cast<unsigned long>(code));
    return offset;
  }
  std::string file = where.dli_fname;
  auto from =
      reinterpret_cast<uintptr_t>(where.dli_sname != nullptr ? where.dli_saddr : where.dli_fbase);
  std::snprintf(offset, sizeof offset, "+%lu)", static_cast<unsigned long>(code - from));
  return file.substr(file.rfind('/') + 1) + " (" +
         (where.dli_sname != nullptr ? where.dli_sname : "") + offset;
}

// The innermost frame that is in another module than the call: who asked libc for it.
uintptr_t caller_of(uintptr_t call) {
  Dl_info callee;
  if (::dladdr(reinterpret_cast<void*>(call), &callee) == 0) return 0;
  uintptr_t found = 0;
  bool inside = false;  // the frames of the handler are behind us
  explore::visit_frames([&](uintptr_t code, bool) {
    Dl_info where;
    if (::dladdr(reinterpret_cast<void*>(code), &where) == 0) return false;
    if (code == call) {
      inside = true;
    } else if (inside && where.dli_fbase != callee.dli_fbase) {
      found = code;
    }
    return found == 0;
  });
  return found;
}

void note(std::string line) {
  line += '\n';
  std::string_view known(log->text, log->size);
  if (known.find(line) != std::string_view::npos || log->size + line.size() > EscapeLog::kMax)
    return;
  std::memcpy(log->text + log->size, line.data(), line.size());
  log->size += line.size();
}

void note_call(long number, uintptr_t call) {
  const char* name = number >= 0 && number < static_cast<long>(kernel::kCallNumbers)
                         ? kernel::call_table[number].name
                         : nullptr;
  std::string line =
      (name != nullptr ? std::string(name) : "system call " + std::to_string(number)) + " from " +
      describe(call);
  if (uintptr_t caller = caller_of(call); caller != 0) line += " for " + describe(caller);
  note(line);
}

// A filter can not read a path: those of ordinary files are harmless as well.
bool is_escape(long number, const kernel::Arguments& arguments) {
  bool known = number >= 0 && number < static_cast<long>(kernel::kCallNumbers);
  if (!known || kernel::call_table[number].route != kernel::Route::by_path) return true;
  return kernel::names_twin(number, arguments) || kernel::leads_to_proc(number, arguments);
}

void on_trap(int, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  bool of_program = shim::in_run();
  long number = info->si_syscall;
  if (of_program) {
    shim::HarnessScope scope;
    const kernel::Arguments arguments{{registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                                       registers[REG_R10], registers[REG_R8], registers[REG_R9]}};
    if (is_escape(number, arguments))
      note_call(number, reinterpret_cast<uintptr_t>(info->si_call_addr));
  }
  registers[REG_RAX] =
      shim::raw_system_call(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                            registers[REG_R10], registers[REG_R8], registers[REG_R9]);
}

// What the filter lets pass whoever makes it.
bool is_harmless(unsigned long number) {
  switch (number) {
    case SYS_rt_sigprocmask:  // around clone3; the handler's return would undo it, besides
    case SYS_clone:
    case SYS_clone3:
      return true;
    default:
      return kernel::call_table[number].route == kernel::Route::raw;
  }
}

bool is_by_descriptor(unsigned long number) {
  kernel::Route route = kernel::call_table[number].route;
  return route == kernel::Route::by_fd || route == kernel::Route::foreign_fd;
}

constexpr uint32_t offset_of_low(size_t field) { return static_cast<uint32_t>(field); }

std::vector<sock_filter> make_filter(Range code) {
  constexpr uint32_t kIp = offsetof(seccomp_data, instruction_pointer);
  constexpr uint32_t kFirst = offsetof(seccomp_data, args);
  constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS, kReturn = BPF_RET | BPF_K;
  constexpr uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K, kAtLeast = BPF_JMP | BPF_JGE | BPF_K;
  std::vector<sock_filter> filter;
  auto add = [&](uint16_t operation, uint64_t value, uint8_t yes = 0, uint8_t no = 0) {
    filter.push_back({operation, yes, no, static_cast<uint32_t>(value)});
  };
  // Another architecture's calls, then our own: pass.
  add(kLoad, offsetof(seccomp_data, arch));
  add(kEqual, kArchitecture, 1, 0);
  add(kReturn, SECCOMP_RET_ALLOW);
  add(kLoad, kIp + 4);
  add(kEqual, code.begin >> 32, 0, 4);
  add(kLoad, offset_of_low(kIp));
  add(kAtLeast, code.begin & 0xFFFFFFFF, 0, 2);
  add(kAtLeast, (code.end & 0xFFFFFFFF), 1, 0);
  add(kReturn, SECCOMP_RET_ALLOW);
  // By number.
  add(kLoad, offsetof(seccomp_data, nr));
  for (unsigned long number = 0; number < kernel::kCallNumbers; ++number) {
    if (is_harmless(number)) {
      add(kEqual, number, 0, 1);
      add(kReturn, SECCOMP_RET_ALLOW);
    } else if (is_by_descriptor(number)) {
      add(kEqual, number, 0, 5);
      add(kLoad, offset_of_low(kFirst));
      add(kAtLeast, kernel::kFdBase, 0, 2);
      add(kAtLeast, kernel::kFdBase + kernel::kFdCount, 1, 0);
      add(kReturn, SECCOMP_RET_TRAP);
      add(kReturn, SECCOMP_RET_ALLOW);
    }
  }
  add(kReturn, SECCOMP_RET_TRAP);
  return filter;
}

}  // namespace

void note_threads_beside() {
  const long main_thread = shim::raw_system_call(SYS_getpid);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const auto tid = static_cast<pid_t>(std::stol(entry.path().filename()));
    if (tid == main_thread || explore::is_donor(tid)) continue;
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    note("thread " + name + " beside the run");
  }
}

bool trap_escapes(EscapeLog& where) {
  log = &where;
  const Range code = own_code();
  run::check(code.begin >> 32 == (code.end - 1) >> 32, "the library's code crosses 4 GiB");

  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return false;
  std::vector<sock_filter> filter = make_filter(code);
  sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace pollux::cli
