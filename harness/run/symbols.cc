// SPDX-License-Identifier: MIT
#include "run/symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <unordered_map>

namespace pollux::run {
namespace {

constexpr unsigned kModuleShift = 40;
constexpr uint64_t kOffsetMask = (uint64_t{1} << kModuleShift) - 1;

// "netpoll::(anonymous namespace)::poll_fd::read<int>(char*)" -> "poll_fd::read"
std::string short_name(const std::string& mangled) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = demangled != nullptr ? demangled : mangled;
  std::free(demangled);
  std::string plain;
  int angles = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    constexpr std::string_view kAnonymous = "(anonymous namespace)";
    if (angles == 0 && name.compare(i, kAnonymous.size(), kAnonymous) == 0) {
      i += kAnonymous.size() - 1;
      plain += '@';
      continue;
    }
    if (name[i] == '<') ++angles;
    if (angles == 0 && name.compare(i, 2, "()") == 0 && plain.ends_with("operator")) {
      plain += "()";
      ++i;
      continue;
    }
    if (angles == 0 && name[i] == '(') {
      // What a lambda or a local function belongs to comes before its own name.
      if (i + 1 < name.size() && name.compare(i, 2, "()") != 0) break;
      if (name.compare(i, 4, "()::") != 0) break;
      ++i;
      continue;
    }
    if (angles == 0) plain += name[i];
    if (name[i] == '>' && angles > 0) --angles;
  }
  size_t space = plain.rfind(' ');  // the return type of a template
  if (space != std::string::npos && plain.find("operator") == std::string::npos) {
    plain.erase(0, space + 1);
  }
  size_t last = plain.rfind("::");
  if (last == std::string::npos || last == 0) return plain;
  size_t before = plain.rfind("::", last - 1);
  std::string two = before == std::string::npos ? plain : plain.substr(before + 2);
  return two.starts_with("@::") ? two.substr(3) : two;
}

// With its class, when it is a method.
std::string function_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  const char* plain = dwarf_diename(die);
  bool method = dwarf_attr_integrate(die, DW_AT_object_pointer, &attribute) != nullptr;
  if (plain != nullptr && !method && std::string_view(plain) != "operator()") return plain;
  Dwarf_Attribute* linkage = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute);
  if (const char* name = dwarf_formstring(linkage)) return short_name(name);
  return plain != nullptr ? plain : "";
}

bool is_function(Dwarf_Die* die) {
  int tag = dwarf_tag(die);
  return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_entry_point;
}

void set_file(CodeLine& line, const char* path) {
  if (path == nullptr) return;
  // Clang names the C++ library by a way around ("/usr/bin/../lib/gcc/.../include/c++").
  line.path = std::filesystem::path(path).lexically_normal();
  line.file = line.path.substr(line.path.rfind('/') + 1);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Its debug information, where it is installed, has names of files that say nothing ("./csu/...").
bool is_of_libc(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.starts_with("libc.so") || name.starts_with("ld-linux");
}

// Null when the place has no debug information.
Dwarf_Die* unit_at(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr* bias) {
  Dwarf_Die* unit = dwfl_module_addrdie(module, address, bias);
  if (unit != nullptr) return unit;
  // Clang writes no table of units by address (.debug_aranges): ask each.
  while ((unit = dwfl_module_nextcu(module, unit, bias)) != nullptr) {
    if (dwarf_haspc(unit, address - *bias) == 1) return unit;
  }
  return nullptr;
}

}  // namespace

std::string to_string(const CodeLine& line) {
  if (!line.file.empty()) return line.file + ":" + std::to_string(line.line);
  return line.function.empty() ? "?" : line.function;
}

struct Symbols::Impl {
  Dwfl* dwfl = nullptr;
  std::vector<std::string> paths;
  std::vector<Dwfl_Module*> modules;
  std::vector<bool> tried;
  std::unordered_map<uint64_t, std::vector<CodeLine>> known;
  std::unordered_map<uint64_t, bool> foreign;

  Dwfl_Module* module_of(uint64_t place, Dwarf_Addr& address) {
    size_t number = place >> kModuleShift;
    if (dwfl == nullptr || number >= paths.size()) return nullptr;
    if (!tried[number]) {
      tried[number] = true;
      dwfl_report_begin_add(dwfl);
      modules[number] = dwfl_report_offline(dwfl, paths[number].c_str(), paths[number].c_str(), -1);
      dwfl_report_end(dwfl, nullptr, nullptr);
    }
    Dwfl_Module* module = modules[number];
    GElf_Addr bias = 0;
    if (module == nullptr || dwfl_module_getelf(module, &bias) == nullptr) return nullptr;
    address = (place & kOffsetMask) + bias;
    return module;
  }

  std::vector<CodeLine> look_up(uint64_t place);
};

Symbols::Symbols(const std::vector<std::string>& modules) : impl_(std::make_unique<Impl>()) {
  static char* no_path = nullptr;
  static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                           .find_debuginfo = dwfl_standard_find_debuginfo,
                                           .section_address = dwfl_offline_section_address,
                                           .debuginfo_path = &no_path};
  impl_->dwfl = dwfl_begin(&callbacks);
  impl_->paths = modules;
  impl_->modules.resize(modules.size());
  impl_->tried.resize(modules.size());
}

Symbols::~Symbols() {
  if (impl_->dwfl != nullptr) dwfl_end(impl_->dwfl);
}

// As in elfutils' addr2line -i: the scopes from the innermost outwards; each inlined one names the
// line that it was called from, which is where the next one is at.
std::vector<CodeLine> Symbols::Impl::look_up(uint64_t place) {
  std::vector<CodeLine> lines;
  Dwarf_Addr address = 0;
  Dwfl_Module* module = module_of(place, address);
  if (module == nullptr) return {CodeLine()};

  CodeLine at;
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = unit_at(module, address, &bias);
  if (Dwarf_Line* source = unit != nullptr ? dwarf_getsrc_die(unit, address - bias) : nullptr) {
    set_file(at, dwarf_linesrc(source, nullptr, nullptr));
    dwarf_lineno(source, &at.line);
  }
  Dwarf_Die *scopes = nullptr, *parents = nullptr;
  int count = unit != nullptr ? dwarf_getscopes(unit, address - bias, &scopes) : 0;
  if (count > 0) {
    Dwarf_Files* files = nullptr;
    dwarf_getsrcfiles(unit, &files, nullptr);
    // Through the parents of the instance, not of what it is an instance of.
    int depth = dwarf_getscopes_die(&scopes[0], &parents);
    for (int i = 0; i < depth; ++i) {
      Dwarf_Die* die = &parents[i];
      if (!is_function(die)) continue;
      at.function = function_of(die);
      lines.push_back(at);
      if (dwarf_tag(die) != DW_TAG_inlined_subroutine) break;
      at = {};
      Dwarf_Attribute attribute;
      Dwarf_Word value = 0;
      if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
          files != nullptr) {
        set_file(at, dwarf_filesrc(files, value, nullptr, nullptr));
      }
      if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0) {
        at.line = static_cast<int>(value);
      }
    }
    std::free(parents);
    std::free(scopes);
  }
  if (lines.empty()) {
    const char* symbol = dwfl_module_addrname(module, address);
    if (symbol != nullptr) at.function = short_name(symbol);
    lines.push_back(at);
  }
  return lines;
}

const std::vector<CodeLine>& Symbols::at(uint64_t place) {
  auto [found, is_new] = impl_->known.try_emplace(place);
  if (is_new) found->second = impl_->look_up(place);
  return found->second;
}

bool Symbols::is_foreign(const CodeLine& line) {
  for (std::string_view part :
       {"harness/explore/", "harness/kernel/", "harness/trace/", "harness/oracle/", "harness/cli/",
        "faults/shim/", "/usr/include/", "/usr/lib/", "/usr/src/"}) {
    if (contains(line.path, part)) return true;
  }
  if (line.function == "_start") return true;  // of libc, in every program
  if (line.path.empty()) return line.function.empty();
  return line.path.starts_with("/build/");  // Debian's packages
}

// Cheaper than the lines: asks only which translation unit it is. A unit of the program may have
// inlined what is foreign. What has no debug information is the program's own when it is in the
// executable, and of the system when it is in a library.
bool Symbols::is_foreign(uint64_t place) {
  auto [found, is_new] = impl_->foreign.try_emplace(place, true);
  if (!is_new) return found->second;
  Dwarf_Addr address = 0, bias = 0;
  Dwfl_Module* module = impl_->module_of(place, address);
  if (module != nullptr && is_of_libc(impl_->paths[place >> kModuleShift])) return true;
  Dwarf_Die* unit = module != nullptr ? unit_at(module, address, &bias) : nullptr;
  const char* path = unit != nullptr ? dwarf_diename(unit) : nullptr;
  if (path != nullptr) {
    CodeLine line;
    line.path = path;
    found->second = is_foreign(line);
  } else if (module != nullptr && place >> kModuleShift == 0) {
    found->second = dwfl_module_addrname(module, address) == nullptr;
  }
  return found->second;
}

}  // namespace pollux::run
