// SPDX-License-Identifier: MIT
//
// dlsym, as a program under `pollux exec` meets it: who asks a library, or the libraries behind its
// own (RTLD_NEXT), for a function that we stand in front of gets ours. libc's own would be a way
// around the run. Real libraries go that way: jemalloc looks for its pthread_create like this, and
// its background thread was a real one, which changed the heap whenever it liked.
//
// Two kinds of callers do want what is behind: a library that defines the function itself is a
// wrapper around it, and may have been called from ours; and whoever looks for an allocator, which
// is a chain that ours is part of (exec_malloc.cc).
//
// dlvsym(3) stays libc's, since libc's dlsym can be found by nothing else.
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "pollux/shim/gate.h"

namespace pollux::cli {
namespace {

using Lookup = decltype(&::dlsym);

Lookup libc_lookup() {
  static constinit void* found = nullptr;  // a guard would be a scheduling point
  for (const char* version : {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"}) {
    if (found == nullptr) found = ::dlvsym(RTLD_NEXT, "dlsym", version);
  }
  return reinterpret_cast<Lookup>(found);
}

bool is_allocator(std::string_view name) {
  constexpr std::string_view kNames[] = {"malloc",         "calloc",   "realloc",
                                         "free",           "memalign", "aligned_alloc",
                                         "posix_memalign", "valloc",   "malloc_usable_size"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
         name.substr(0, 3) == "_Zn" || name.substr(0, 3) == "_Zd";  // operator new, delete
}

// Of the object that holds this address; null when none does.
link_map* object_of(const void* address) {
  Dl_info info;
  void* object = nullptr;
  if (address == nullptr || ::dladdr1(address, &info, &object, RTLD_DL_LINKMAP) == 0)
    return nullptr;
  return static_cast<link_map*>(object);
}

// What `object` itself defines under this name.
void* defined_in(link_map* object, const char* name) {
  void* handle = ::dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* found = libc_lookup()(handle, name);  // or in one of its dependencies
  ::dlclose(handle);
  return object_of(found) == object ? found : nullptr;
}

// Our function; null: libc's dlsym shall answer.
__attribute__((noinline)) void* ours_instead(void* handle, const char* name, const void* caller) {
  if (handle == RTLD_DEFAULT || is_allocator(name)) return nullptr;
  shim::HarnessScope scope;
  link_map* us = object_of(reinterpret_cast<const void*>(&ours_instead));
  link_map* asking = object_of(caller);
  if (asking == us) return nullptr;
  void* ours = defined_in(us, name);
  if (ours == nullptr) return nullptr;
  if (handle == RTLD_NEXT)
    return asking == nullptr || defined_in(asking, name) == nullptr ? ours : nullptr;
  return libc_lookup()(handle, name) == libc_lookup()(RTLD_NEXT, name) ? ours : nullptr;
}

}  // namespace
}  // namespace pollux::cli

// The call at the end is a jump, like those of the shim's dlopen: libc takes the return address for
// who asks.
extern "C" __attribute__((visibility("default"))) void* dlsym(void* handle,
                                                              const char* name) noexcept {
  using namespace pollux::cli;
  if (void* ours = ours_instead(handle, name, __builtin_return_address(0))) return ours;
  return libc_lookup()(handle, name);
}
