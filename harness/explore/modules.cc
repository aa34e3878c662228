// SPDX-License-Identifier: MIT
#include "explore/modules.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "explore/check.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

constexpr unsigned kModulesMax = 256;

struct Module {
  uintptr_t low, high;
  const void* tls_image;  // null: no thread-local storage of interest
  size_t tls_file_size, tls_memory_size;
  ptrdiff_t tls_offset;  // from the thread pointer
  bool tls_is_static;
};

struct Modules {
  Module list[kModulesMax] = {};
  unsigned count = 0;
  unsigned long long changes = 0;  // loads + unloads that `list` knows of
  bool dynamic_tls = false;
};
constinit Modules modules;

bool is_named(std::string_view path, std::initializer_list<std::string_view> prefixes) {
  size_t slash = path.rfind('/');
  std::string_view name = slash == path.npos ? path : path.substr(slash + 1);
  for (std::string_view prefix : prefixes) {
    if (name.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

bool keeps_own_tls(std::string_view path) {
  return is_named(
      path, {"libc.so", "ld-linux", "libasan", "libubsan", "liblsan", "libtsan", "libclang_rt"});
}

const ElfW(Phdr) * tls_header(const dl_phdr_info& info) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    if (info.dlpi_phdr[i].p_type == PT_TLS && info.dlpi_phdr[i].p_memsz != 0) {
      return &info.dlpi_phdr[i];
    }
  }
  return nullptr;
}

const void* image_of(const dl_phdr_info& info, const ElfW(Phdr) & header) {
  return reinterpret_cast<const void*>(info.dlpi_addr + header.p_vaddr);
}

Module* find_by_image(const void* image) {
  for (unsigned i = 0; i < modules.count; ++i) {
    if (modules.list[i].tls_image == image) return &modules.list[i];
  }
  return nullptr;
}

int count_changes(dl_phdr_info* info, size_t, void* result) {
  *static_cast<unsigned long long*>(result) = info->dlpi_adds + info->dlpi_subs;
  return 1;
}

int add_module(dl_phdr_info* info, size_t, void*) {
  POLLUX_EXPLORE_CHECK(modules.count < kModulesMax);
  Module& module = modules.list[modules.count++];
  module = {};
  module.low = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    uintptr_t end = info->dlpi_addr + header.p_vaddr + header.p_memsz;
    if (header.p_type == PT_LOAD && end > module.high) module.high = end;
  }
  const char* path = info->dlpi_name != nullptr ? info->dlpi_name : "";
  const auto* tls = tls_header(*info);
  if (tls == nullptr || keeps_own_tls(path)) return 0;
  module.tls_image = image_of(*info, *tls);
  module.tls_file_size = tls->p_filesz;
  module.tls_memory_size = tls->p_memsz;
  module.tls_is_static = info->dlpi_tls_data != nullptr;
  module.tls_offset = reinterpret_cast<intptr_t>(info->dlpi_tls_data) -
                      static_cast<intptr_t>(shim::thread_pointer());
  if (!module.tls_is_static) modules.dynamic_tls = true;
  return 0;
}

int compare_offset(dl_phdr_info* info, size_t, void* donor) {
  const auto* tls = tls_header(*info);
  if (tls == nullptr) return 0;
  Module* module = find_by_image(image_of(*info, *tls));
  if (module == nullptr || !module->tls_is_static) return 0;
  ptrdiff_t offset = reinterpret_cast<intptr_t>(info->dlpi_tls_data) -
                     static_cast<intptr_t>(reinterpret_cast<uintptr_t>(donor));
  if (info->dlpi_tls_data == nullptr || offset != module->tls_offset) {
    module->tls_is_static = false;
    modules.dynamic_tls = true;
  }
  return 0;
}

void copy_image(void* to, const void* image, size_t file_size, size_t memory_size) {
  std::memcpy(to, image, file_size);
  std::memset(static_cast<char*>(to) + file_size, 0, memory_size - file_size);
}

int reset_dynamic(dl_phdr_info* info, size_t, void*) {
  const auto* tls = tls_header(*info);
  if (tls == nullptr || info->dlpi_tls_data == nullptr) return 0;
  Module* module = find_by_image(image_of(*info, *tls));
  if (module == nullptr || module->tls_is_static) return 0;
  copy_image(info->dlpi_tls_data, module->tls_image, module->tls_file_size,
             module->tls_memory_size);
  return 0;
}

}  // namespace

void refresh_modules() {
  unsigned long long changes = 0;
  dl_iterate_phdr(count_changes, &changes);
  if (changes == modules.changes && modules.count != 0) return;
  modules.changes = changes;
  modules.count = 0;
  modules.dynamic_tls = false;
  dl_iterate_phdr(add_module, nullptr);
}

Extent executable() { return {modules.list[0].low, modules.list[0].high - modules.list[0].low}; }

uint64_t module_relative(uintptr_t address) {
  static unsigned last = 0;
  auto holds = [&](unsigned i) {
    return address >= modules.list[i].low && address < modules.list[i].high;
  };
  if (last < modules.count && holds(last)) {
    return (uint64_t{last} << 40) | (address - modules.list[last].low);
  }
  for (unsigned i = 0; i < modules.count; ++i) {
    if (!holds(i)) continue;
    last = i;
    return (uint64_t{i} << 40) | (address - modules.list[i].low);
  }
  return uint64_t{kModulesMax} << 40;  // generated code, or a module loaded within the run
}

std::vector<std::string> module_paths() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        static_cast<std::vector<std::string>*>(result)->emplace_back(
            info->dlpi_name != nullptr ? info->dlpi_name : "");
        return 0;
      },
      &paths);
  std::string self = executable_path();
  if (!paths.empty() && !self.empty()) paths[0] = std::move(self);
  return paths;
}

std::string executable_path() {
  char self[PATH_MAX];
  long size =
      shim::raw_system_call(SYS_readlinkat, AT_FDCWD, reinterpret_cast<long>("/proc/self/exe"),
                            reinterpret_cast<long>(self), sizeof self);
  return size > 0 ? std::string(self, static_cast<size_t>(size)) : "";
}

void confirm_static_tls(uintptr_t donor_thread_pointer) {
  dl_iterate_phdr(compare_offset, reinterpret_cast<void*>(donor_thread_pointer));
}

void reset_static_tls(uintptr_t thread_pointer) {
  for (unsigned i = 0; i < modules.count; ++i) {
    const Module& module = modules.list[i];
    if (module.tls_image == nullptr || !module.tls_is_static) continue;
    copy_image(reinterpret_cast<void*>(thread_pointer + static_cast<uintptr_t>(module.tls_offset)),
               module.tls_image, module.tls_file_size, module.tls_memory_size);
  }
}

bool has_dynamic_tls() { return modules.dynamic_tls; }

void reset_own_dynamic_tls() { dl_iterate_phdr(reset_dynamic, nullptr); }

std::vector<MemoryRange> kept_static_tls(uintptr_t thread_pointer) {
  struct Kept {
    uintptr_t thread_pointer;
    std::vector<MemoryRange> ranges;
  };
  Kept kept{thread_pointer, {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        const auto* tls = tls_header(*info);
        if (tls == nullptr || info->dlpi_tls_data == nullptr || info->dlpi_name == nullptr)
          return 0;
        if (!keeps_own_tls(info->dlpi_name)) return 0;
        Kept& to = *static_cast<Kept*>(result);
        uintptr_t low = reinterpret_cast<uintptr_t>(info->dlpi_tls_data) - shim::thread_pointer() +
                        to.thread_pointer;
        to.ranges.push_back({low, low + tls->p_memsz});
        return 0;
      },
      &kept);
  return kept.ranges;
}

std::vector<MemoryRange> harness_segments() {
  std::vector<MemoryRange> ranges;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        if (info->dlpi_name == nullptr || !is_named(info->dlpi_name, {"libpollux.so", "libfiu.so"}))
          return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0) continue;
          uintptr_t low = info->dlpi_addr + header.p_vaddr;
          static_cast<std::vector<MemoryRange>*>(result)->push_back({low, low + header.p_memsz});
        }
        return 0;
      },
      &ranges);
  return ranges;
}

std::string place_name(uintptr_t code) {
  Dl_info info{};
  void* object = nullptr;
  if (::dladdr1(reinterpret_cast<void*>(code), &info, &object, RTLD_DL_LINKMAP) == 0 ||
      object == nullptr) {
    return "?";
  }
  const auto& module = *static_cast<const link_map*>(object);
  // The loader knows the executable by no name, and dladdr by what it was called as.
  std::string file = *module.l_name != '\0' ? module.l_name : executable_path();
  file = file.substr(file.rfind('/') + 1);
  char offset[32];
  std::snprintf(offset, sizeof offset, "+0x%zx", static_cast<size_t>(code - 1 - module.l_addr));
  return file + offset;
}

}  // namespace pollux::explore
