// SPDX-License-Identifier: MIT
//
// malloc, operator new and their families, as a program under `pollux exec` meets them: two heaps.
//
// The program's memory comes from the allocator that it would have without us. What the harness
// allocates while a run is on or begins, and what scripted clients allocate, comes from a heap of
// its own. The program's allocator may be any (jemalloc, say) and is code of the run: it locks
// mutexes of the run, and a thread may be held up while it has one. The harness must then not wait
// for it. Nor must the program's heap look different because of what the harness remembers.
//
// A run that looks for lost memory has the program's in a heap of ours, too, unless the executable
// brings an allocator of its own.
#include "cli/exec_malloc.h"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "cli/exec_launch.h"
#include "explore/heap.h"
#include "explore/scheduler.h"
#include "explore/tracked_heap.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/window.h"

#define POLLUX_ENTRY extern "C" __attribute__((visibility("default")))

namespace pollux::cli {

constinit bool harness_before_run = false;

namespace {

using explore::Whose;

// The allocator that the program would have: the one behind ours, or one in front of it, in the
// executable itself.
struct Family {
  decltype(&::malloc) malloc;
  decltype(&::calloc) calloc;
  decltype(&::realloc) realloc;
  decltype(&::free) free;
  decltype(&::memalign) memalign;
  decltype(&::malloc_usable_size) usable_size;
};
constinit Family program = {};
constinit bool resolving = false;
constinit void* lost_block = nullptr;

template <class Function>
Function find(const char* name, Function ours) {
  void* first = ::dlsym(RTLD_DEFAULT, name);
  if (first != nullptr && first != reinterpret_cast<void*>(ours))
    return reinterpret_cast<Function>(first);
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// dlsym allocates: out of the own heap, until this has found what it looks for.
bool resolve() {
  if (resolving) return false;
  resolving = true;
  Family found = {find("malloc", &::malloc),     find("calloc", &::calloc),
                  find("realloc", &::realloc),   find("free", &::free),
                  find("memalign", &::memalign), find("malloc_usable_size", &::malloc_usable_size)};
  program = found;
  resolving = false;
  const char* moved = std::getenv(kMovedVariable);
  if (moved != nullptr && *moved == '1') lost_block = program.malloc(kMovedBytes);
  return true;
}

bool is_own() {
  if (__builtin_expect(program.malloc == nullptr, 0) && !resolve()) return true;
  if (shim::pollux_run_carrier == 0) return harness_before_run;
  return !shim::in_run() || explore::current_host() != 0;
}

bool is_ours() { return is_own() || explore::tracks_memory; }

Whose whose() { return is_own() ? Whose::harness : Whose::program; }

// Requires is_ours().
void* our_block(size_t size, size_t alignment, bool zeroed, uintptr_t from) {
  return explore::take_tracked(whose(), size, alignment, zeroed, from);
}

explore::AllocatorBehind behind() { return {program.malloc, program.free, program.usable_size}; }

}  // namespace
}  // namespace pollux::cli

using namespace pollux::cli;
using namespace pollux::explore;

// See explore/leaks.cc. By the executable's handle: a lookup of our own begins with ourselves.
extern "C" bool pollux_heap_is_ours() {
  void* executable = ::dlopen(nullptr, RTLD_LAZY);
  void* found = ::dlsym(executable, "malloc");
  if (found == reinterpret_cast<void*>(&::malloc)) return true;
  // An executable at a fixed address that takes the address of malloc has an entry for it that is
  // no definition: it leads here.
  Dl_info info;
  void* symbol = nullptr;
  return ::dladdr1(found, &info, &symbol, RTLD_DL_SYMENT) != 0 && symbol != nullptr &&
         static_cast<const ElfW(Sym)*>(symbol)->st_shndx == SHN_UNDEF;
}

POLLUX_ENTRY void* malloc(size_t size) noexcept {
  return is_ours() ? our_block(size, 1, false, POLLUX_CALLER)
                   : fresh_block(program.malloc(size), size);
}

POLLUX_ENTRY void* calloc(size_t count, size_t size) noexcept {
  if (!is_ours()) return fresh_block(program.calloc(count, size), count * size);
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return our_block(bytes, 1, true, POLLUX_CALLER);
}

POLLUX_ENTRY void free(void* block) noexcept {
  if (block == nullptr) return;
  if (tracks_memory || is_tracked_block(block)) {
    free_tracked(block, behind());
  } else {
    program.free(block);
  }
}

POLLUX_ENTRY void* realloc(void* block, size_t size) noexcept {
  if (block == nullptr)
    return is_ours() ? our_block(size, 1, false, POLLUX_CALLER)
                     : fresh_block(program.malloc(size), size);
  if (tracks_memory || is_tracked_block(block))
    return resize_tracked(whose(), block, size, POLLUX_CALLER, behind());
  return fresh_end(block, size, program.realloc, program.usable_size);
}

static void* aligned_block(size_t alignment, size_t size, uintptr_t from) {
  return is_ours() ? our_block(size, alignment, false, from)
                   : fresh_block(program.memalign(alignment, size), size);
}

POLLUX_ENTRY void* memalign(size_t alignment, size_t size) noexcept {
  return aligned_block(alignment, size, POLLUX_CALLER);
}

POLLUX_ENTRY void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return aligned_block(alignment, size, POLLUX_CALLER);
}

POLLUX_ENTRY int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  if (!std::has_single_bit(alignment) || alignment < sizeof(void*)) return EINVAL;
  int before = errno;  // the error is the result (posix_memalign(3))
  void* got = aligned_block(alignment, size, POLLUX_CALLER);
  errno = before;
  if (got == nullptr) return ENOMEM;
  *block = got;
  return 0;
}

POLLUX_ENTRY void* valloc(size_t size) noexcept {
  return aligned_block(static_cast<size_t>(::getpagesize()), size, POLLUX_CALLER);
}

POLLUX_ENTRY size_t malloc_usable_size(void* block) noexcept {
  if (block == nullptr) return 0;
  return is_tracked_block(block) ? size_of_tracked(block, behind()) : program.usable_size(block);
}

// --- operator new: an allocator may have its own, beside its malloc. They are looked for one by
// one; the harness links against libstdc++, so there always is one.

namespace pollux::cli {
namespace {

void* our_object(size_t size, size_t alignment, uintptr_t from) {
  void* block = our_block(size, alignment, false, from);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace
}  // namespace pollux::cli

// `symbol`: its mangled name. `ours` and `theirs`: what it is when the block is of a heap of ours,
// and when it is not.
#define POLLUX_OPERATOR(type, name, parameters, exceptions, symbol, condition, ours, theirs)  \
  __attribute__((visibility("default"))) type operator name parameters exceptions {           \
    if (condition) return ours;                                                               \
    using Function = type(*) parameters;                                                      \
    static constinit Function of_program = nullptr; /* a guard would be a scheduling point */ \
    if (of_program == nullptr) of_program = find<Function>(symbol, &operator name);           \
    return theirs;                                                                            \
  }
#define POLLUX_NEW(name, parameters, arguments, exceptions, symbol, ours)       \
  POLLUX_OPERATOR(void*, name, parameters, exceptions, symbol, is_ours(), ours, \
                  fresh_block(of_program arguments, size))
#define POLLUX_DELETE(name, parameters, arguments, symbol)                       \
  POLLUX_OPERATOR(void, name, parameters, noexcept, symbol, is_tracked_block(p), \
                  static_cast<void>(free_tracked(p, behind())), of_program arguments)

using Nothrow = const std::nothrow_t&;
using Align = std::align_val_t;
#define POLLUX_AT(a) static_cast<size_t>(a)

POLLUX_NEW(new, (size_t size), (size), , "_Znwm", our_object(size, 1, POLLUX_CALLER))
POLLUX_NEW(new[], (size_t size), (size), , "_Znam", our_object(size, 1, POLLUX_CALLER))
POLLUX_NEW(new, (size_t size, Nothrow t), (size, t), noexcept, "_ZnwmRKSt9nothrow_t",
           our_block(size, 1, false, POLLUX_CALLER))
POLLUX_NEW(new[], (size_t size, Nothrow t), (size, t), noexcept, "_ZnamRKSt9nothrow_t",
           our_block(size, 1, false, POLLUX_CALLER))
POLLUX_NEW(new, (size_t size, Align a), (size, a), , "_ZnwmSt11align_val_t",
           our_object(size, POLLUX_AT(a), POLLUX_CALLER))
POLLUX_NEW(new[], (size_t size, Align a), (size, a), , "_ZnamSt11align_val_t",
           our_object(size, POLLUX_AT(a), POLLUX_CALLER))
POLLUX_NEW(new, (size_t size, Align a, Nothrow t), (size, a, t), noexcept,
           "_ZnwmSt11align_val_tRKSt9nothrow_t",
           our_block(size, POLLUX_AT(a), false, POLLUX_CALLER))
POLLUX_NEW(new[], (size_t size, Align a, Nothrow t), (size, a, t), noexcept,
           "_ZnamSt11align_val_tRKSt9nothrow_t",
           our_block(size, POLLUX_AT(a), false, POLLUX_CALLER))

POLLUX_DELETE(delete, (void* p), (p), "_ZdlPv")
POLLUX_DELETE(delete[], (void* p), (p), "_ZdaPv")
POLLUX_DELETE(delete, (void* p, size_t size), (p, size), "_ZdlPvm")
POLLUX_DELETE(delete[], (void* p, size_t size), (p, size), "_ZdaPvm")
POLLUX_DELETE(delete, (void* p, Nothrow t), (p, t), "_ZdlPvRKSt9nothrow_t")
POLLUX_DELETE(delete[], (void* p, Nothrow t), (p, t), "_ZdaPvRKSt9nothrow_t")
POLLUX_DELETE(delete, (void* p, Align a), (p, a), "_ZdlPvSt11align_val_t")
POLLUX_DELETE(delete[], (void* p, Align a), (p, a), "_ZdaPvSt11align_val_t")
POLLUX_DELETE(delete, (void* p, size_t size, Align a), (p, size, a), "_ZdlPvmSt11align_val_t")
POLLUX_DELETE(delete[], (void* p, size_t size, Align a), (p, size, a), "_ZdaPvmSt11align_val_t")
POLLUX_DELETE(delete, (void* p, Align a, Nothrow t), (p, a, t),
              "_ZdlPvSt11align_val_tRKSt9nothrow_t")
POLLUX_DELETE(delete[], (void* p, Align a, Nothrow t), (p, a, t),
              "_ZdaPvSt11align_val_tRKSt9nothrow_t")
