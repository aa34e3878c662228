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
// The own heap is one reserved range of addresses, so that free() can tell whose a block is. It
// hands out blocks of fixed sizes, four to each power of two, from a list for each size or else
// from the end of what is used; blocks are never split or joined. Each has a header of 16 bytes in
// front.
#include "cli/exec_malloc.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "cli/exec_launch.h"
#include "explore/heap.h"
#include "explore/scheduler.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/window.h"

#define POLLUX_ENTRY extern "C" __attribute__((visibility("default")))

namespace pollux::cli {

constinit bool harness_before_run = false;

namespace {

constexpr size_t kReserved = size_t{64} << 30;
constexpr size_t kHeader = 16;
constexpr unsigned kClasses = 4 * 40;

struct Header {
  uint32_t size_class;
  uint32_t before;  // bytes between the block's begin and this header
  size_t size;      // that was asked for
};
static_assert(sizeof(Header) == kHeader);

struct FreeBlock {
  FreeBlock* next;
};

class OwnHeap {
 public:
  bool has(const void* block) const {
    return base_ != nullptr &&
           reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(base_) < kReserved;
  }

  void* take(size_t size, size_t alignment) {
    if (size > kReserved / 4) return nullptr;
    size_t extra = alignment > kHeader ? alignment : 0;
    unsigned size_class = class_of(size + kHeader + extra);
    Lock lock(busy_);
    char* block = take_block(size_class);
    if (block == nullptr) return nullptr;
    auto user = reinterpret_cast<uintptr_t>(block) + kHeader;
    if (extra != 0) user = (user + alignment - 1) & ~(alignment - 1);
    auto* header = reinterpret_cast<Header*>(user) - 1;
    *header = {size_class, static_cast<uint32_t>(reinterpret_cast<char*>(header) - block), size};
    return reinterpret_cast<void*>(user);
  }

  void give(void* user) {
    const Header header = header_of(user);
    auto* block = reinterpret_cast<FreeBlock*>(static_cast<char*>(user) - kHeader - header.before);
    Lock lock(busy_);
    block->next = free_[header.size_class];
    free_[header.size_class] = block;
  }

  static size_t size_of(void* user) { return header_of(user).size; }

 private:
  // Real threads that are parked in the harness allocate as they start.
  class Lock {
   public:
    explicit Lock(std::atomic_flag& flag) : flag_(flag) {
      while (flag_.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Lock() { flag_.clear(std::memory_order_release); }

   private:
    std::atomic_flag& flag_;
  };

  static Header header_of(void* user) { return static_cast<Header*>(user)[-1]; }

  // The first of the sizes 64, 80, 96, 112, 128, 160, ... that is not smaller.
  static unsigned class_of(size_t size) {
    if (size <= 64) return 0;
    unsigned log = static_cast<unsigned>(std::bit_width(size - 1)) - 1;  // 2^log <= size - 1
    size_t step = size_t{1} << (log - 2);
    auto quarter = static_cast<unsigned>((size - 1 - (size_t{1} << log)) / step);
    return (log - 6) * 4 + quarter + 1;
  }
  static size_t size_of_class(unsigned size_class) {
    unsigned log = size_class / 4 + 6, quarter = size_class % 4;
    return (size_t{1} << log) + quarter * (size_t{1} << (log - 2));
  }

  char* take_block(unsigned size_class) {
    if (FreeBlock* block = free_[size_class]) {
      free_[size_class] = block->next;
      return reinterpret_cast<char*>(block);
    }
    if (base_ == nullptr) {
      void* at = ::mmap(nullptr, kReserved, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (at == MAP_FAILED) return nullptr;
      base_ = static_cast<char*>(at);
    }
    size_t size = size_of_class(size_class);
    if (kReserved - used_ < size) return nullptr;
    char* block = base_ + used_;
    used_ += size;
    return block;
  }

  char* base_ = nullptr;
  size_t used_ = 0;
  FreeBlock* free_[kClasses] = {};
  std::atomic_flag busy_;
};

constinit OwnHeap own;

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

void* own_block(size_t size, size_t alignment = kHeader) {
  void* block = own.take(size, alignment);
  if (block == nullptr) errno = ENOMEM;
  return block;
}

}  // namespace
}  // namespace pollux::cli

using namespace pollux::cli;
using pollux::explore::fresh_block;

POLLUX_ENTRY void* malloc(size_t size) noexcept {
  return is_own() ? own_block(size) : fresh_block(program.malloc(size), size);
}

POLLUX_ENTRY void* calloc(size_t count, size_t size) noexcept {
  if (!is_own()) return fresh_block(program.calloc(count, size), count * size);
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = own_block(bytes);
  return block != nullptr ? std::memset(block, 0, bytes) : nullptr;
}

POLLUX_ENTRY void free(void* block) noexcept {
  if (block == nullptr) return;
  if (own.has(block)) {
    own.give(block);
  } else {
    program.free(block);
  }
}

POLLUX_ENTRY void* realloc(void* block, size_t size) noexcept {
  if (block == nullptr) return malloc(size);
  if (!own.has(block)) {
    return pollux::explore::fresh_end(block, size, program.realloc, program.usable_size);
  }
  void* larger = own_block(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min(size, OwnHeap::size_of(block)));
  own.give(block);
  return larger;
}

POLLUX_ENTRY void* memalign(size_t alignment, size_t size) noexcept {
  return is_own() ? own_block(size, alignment)
                  : fresh_block(program.memalign(alignment, size), size);
}

POLLUX_ENTRY void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return memalign(alignment, size);
}

POLLUX_ENTRY int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  if (!std::has_single_bit(alignment) || alignment < sizeof(void*)) return EINVAL;
  int before = errno;  // the error is the result (posix_memalign(3))
  void* got = memalign(alignment, size);
  errno = before;
  if (got == nullptr) return ENOMEM;
  *block = got;
  return 0;
}

POLLUX_ENTRY void* valloc(size_t size) noexcept {
  return memalign(static_cast<size_t>(::getpagesize()), size);
}

POLLUX_ENTRY size_t malloc_usable_size(void* block) noexcept {
  if (block == nullptr) return 0;
  return own.has(block) ? OwnHeap::size_of(block) : program.usable_size(block);
}

// --- operator new: an allocator may have its own, beside its malloc. They are looked for one by
// one; the harness links against libstdc++, so there always is one.

namespace pollux::cli {
namespace {

void* own_object(size_t size, size_t alignment = kHeader) {
  void* block = own.take(size, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace
}  // namespace pollux::cli

// `symbol`: its mangled name. `ours` and `theirs`: what it is when the block is of the own heap,
// and when it is not.
#define POLLUX_OPERATOR(type, name, parameters, exceptions, symbol, condition, ours, theirs)  \
  __attribute__((visibility("default"))) type operator name parameters exceptions {           \
    if (condition) return ours;                                                               \
    using Function = type(*) parameters;                                                      \
    static constinit Function of_program = nullptr; /* a guard would be a scheduling point */ \
    if (of_program == nullptr) of_program = find<Function>(symbol, &operator name);           \
    return theirs;                                                                            \
  }
#define POLLUX_NEW(name, parameters, arguments, exceptions, symbol, ours)      \
  POLLUX_OPERATOR(void*, name, parameters, exceptions, symbol, is_own(), ours, \
                  fresh_block(of_program arguments, size))
#define POLLUX_DELETE(name, parameters, arguments, symbol)              \
  POLLUX_OPERATOR(void, name, parameters, noexcept, symbol, own.has(p), \
                  static_cast<void>(own.give(p)), of_program arguments)

using Nothrow = const std::nothrow_t&;
using Align = std::align_val_t;
#define POLLUX_AT(a) static_cast<size_t>(a)

POLLUX_NEW(new, (size_t size), (size), , "_Znwm", own_object(size))
POLLUX_NEW(new[], (size_t size), (size), , "_Znam", own_object(size))
POLLUX_NEW(new, (size_t size, Nothrow t), (size, t), noexcept, "_ZnwmRKSt9nothrow_t",
           own.take(size, kHeader))
POLLUX_NEW(new[], (size_t size, Nothrow t), (size, t), noexcept, "_ZnamRKSt9nothrow_t",
           own.take(size, kHeader))
POLLUX_NEW(new, (size_t size, Align a), (size, a), , "_ZnwmSt11align_val_t",
           own_object(size, POLLUX_AT(a)))
POLLUX_NEW(new[], (size_t size, Align a), (size, a), , "_ZnamSt11align_val_t",
           own_object(size, POLLUX_AT(a)))
POLLUX_NEW(new, (size_t size, Align a, Nothrow t), (size, a, t), noexcept,
           "_ZnwmSt11align_val_tRKSt9nothrow_t", own.take(size, POLLUX_AT(a)))
POLLUX_NEW(new[], (size_t size, Align a, Nothrow t), (size, a, t), noexcept,
           "_ZnamSt11align_val_tRKSt9nothrow_t", own.take(size, POLLUX_AT(a)))

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
