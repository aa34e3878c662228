// SPDX-License-Identifier: MIT
//
// The program's addresses, as the kernel sees them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::kernel {

struct Buffers;

// TASK_SIZE_MAX: with page tables of four levels the last page is the kernel's.
#if defined(__x86_64__)
inline constexpr uintptr_t kAddressEnd = 0x7FFFFFFFF000;
#else
inline constexpr uintptr_t kAddressEnd = uintptr_t{1} << 48;
#endif
inline constexpr size_t kTransferMax = 0x7FFFF000;  // MAX_RW_COUNT

// Pages that have been seen to be readable, by a part of their number: to ask costs a system call.
// One that was unmapped since is taken for good, and the program dies of it as it would have died
// of reading it.
inline constexpr unsigned kPageBits = 12;
inline constexpr size_t kKnownPages = 1024;
extern uintptr_t known_pages[kKnownPages];
// Is the page readable? It is known from now on if it is.
bool look_at_page(uintptr_t page);

// What Linux answers EFAULT for: below the first page, the kernel's, or nothing readable there. Of
// what is longer only the beginning is looked at.
inline bool bad_address(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  if (at - 4096 >= kAddressEnd - 4096) return true;
  const uintptr_t page = at >> kPageBits;
  return __builtin_expect(known_pages[page % kKnownPages] != page, 0) && !look_at_page(page);
}

// access_ok: could all of it be the program's?
inline bool access_ok(const void* address, size_t size) {
  return size <= kAddressEnd && reinterpret_cast<uintptr_t>(address) <= kAddressEnd - size;
}

// Is the last byte of each piece there? Of transfers of ordinary size that is taken for granted.
// Linux may have copied some of it before it finds out; here it is all or nothing, or the layout of
// the program's memory would decide how much.
bool all_there(const Buffers&);

}  // namespace pollux::kernel
