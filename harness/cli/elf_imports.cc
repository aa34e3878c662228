// SPDX-License-Identifier: MIT
#include "cli/elf_imports.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace pollux::cli {
namespace {

// The sections of an ELF file, by the section header table: stripped files keep those that matter.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    bytes_ = content.str();
    const auto* header = at<ElfW(Ehdr)>(0);
    good_ = header != nullptr && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
            header->e_ident[EI_CLASS] == ELFCLASS64;
  }

  std::vector<std::string> functions(bool defined) const {
    std::set<std::string> names;
    const ElfW(Shdr)* symbols = section(SHT_DYNSYM);
    if (symbols == nullptr) return {};
    const ElfW(Shdr)* strings = section_number(symbols->sh_link);
    if (strings == nullptr) return {};
    for (size_t i = 1; i < symbols->sh_size / sizeof(ElfW(Sym)); ++i) {
      const auto* symbol = at<ElfW(Sym)>(symbols->sh_offset + i * sizeof(ElfW(Sym)));
      if (symbol == nullptr) break;
      if ((symbol->st_shndx != SHN_UNDEF) != defined) continue;
      unsigned type = ELF64_ST_TYPE(symbol->st_info);
      if (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC) continue;
      size_t offset = strings->sh_offset + symbol->st_name;
      if (offset < bytes_.size() && bytes_[offset] != '\0') names.insert(bytes_.c_str() + offset);
    }
    return {names.begin(), names.end()};
  }

  std::string interpreter() const {
    const auto* header = at<ElfW(Ehdr)>(0);
    for (unsigned i = 0; good_ && i < header->e_phnum; ++i) {
      const auto* segment = at<ElfW(Phdr)>(header->e_phoff + i * header->e_phentsize);
      if (segment == nullptr || segment->p_type != PT_INTERP) continue;
      if (segment->p_offset < bytes_.size()) return bytes_.c_str() + segment->p_offset;
    }
    return "";
  }

 private:
  template <class T>
  const T* at(size_t offset) const {
    bool inside = offset <= bytes_.size() && bytes_.size() - offset >= sizeof(T);
    return inside ? reinterpret_cast<const T*>(bytes_.data() + offset) : nullptr;
  }
  const ElfW(Shdr) * section_number(unsigned number) const {
    const auto* header = at<ElfW(Ehdr)>(0);
    if (!good_ || number >= header->e_shnum) return nullptr;
    return at<ElfW(Shdr)>(header->e_shoff + number * header->e_shentsize);
  }
  const ElfW(Shdr) * section(unsigned type) const {
    for (unsigned i = 0;; ++i) {
      const ElfW(Shdr)* found = section_number(i);
      if (found == nullptr || found->sh_type == type) return found;
    }
  }

  std::string bytes_;
  bool good_ = false;
};

}  // namespace

std::vector<std::string> imported_functions(const std::string& path) {
  return ElfFile(path).functions(false);
}

std::vector<std::string> exported_functions(const std::string& path) {
  return ElfFile(path).functions(true);
}

std::vector<std::string> loaded_files(const std::string& program) {
  std::vector<std::string> files = {program};
  std::string loader = ElfFile(program).interpreter();
  if (loader.empty()) return files;
  // "	libevent-2.1.so.7 => /lib/x86_64-linux-gnu/libevent-2.1.so.7 (0x...)"
  FILE* list = ::popen((loader + " --list '" + program + "'").c_str(), "r");
  if (list == nullptr) return files;
  char line[4096];
  while (std::fgets(line, sizeof line, list) != nullptr) {
    std::istringstream words(line);
    std::string name, arrow, path;
    if (!(words >> name >> arrow >> path) || arrow != "=>") continue;
    bool is_libc = name.starts_with("libc.so") || name.starts_with("libpthread.so") ||
                   name.starts_with("ld-linux");
    if (!is_libc) files.push_back(path);
  }
  ::pclose(list);
  return files;
}

}  // namespace pollux::cli
