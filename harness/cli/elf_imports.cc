// SPDX-License-Identifier: MIT
#include "cli/elf_imports.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <sstream>

#include "run/child.h"

namespace pollux::cli {
namespace {

class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    ::elf_version(EV_CURRENT);
    elf_ = ::elf_begin(fd_, ELF_C_READ, nullptr);
    if (elf_ != nullptr && (::elf_kind(elf_) != ELF_K_ELF || ::gelf_getclass(elf_) != ELFCLASS64)) {
      ::elf_end(elf_);
      elf_ = nullptr;
    }
  }
  ~ElfFile() {
    ::elf_end(elf_);
    if (fd_ >= 0) ::close(fd_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  // Of the dynamic symbol table, which stripped files keep.
  std::vector<std::string> functions(bool defined) const {
    std::set<std::string> names;
    for (Elf_Scn* section = next(nullptr); section != nullptr; section = next(section)) {
      GElf_Shdr header;
      if (::gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
      Elf_Data* symbols = ::elf_getdata(section, nullptr);
      GElf_Sym symbol;
      for (int i = 1; ::gelf_getsym(symbols, i, &symbol) != nullptr; ++i) {
        if ((symbol.st_shndx != SHN_UNDEF) != defined) continue;
        unsigned type = GELF_ST_TYPE(symbol.st_info);
        if (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC) continue;
        const char* name = ::elf_strptr(elf_, header.sh_link, symbol.st_name);
        if (name != nullptr && *name != '\0') names.insert(name);
      }
    }
    return {names.begin(), names.end()};
  }

  std::vector<std::string> needed() const {
    std::vector<std::string> names;
    for (Elf_Scn* section = next(nullptr); section != nullptr; section = next(section)) {
      GElf_Shdr header;
      if (::gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNAMIC) continue;
      Elf_Data* entries = ::elf_getdata(section, nullptr);
      GElf_Dyn entry;
      for (int i = 0; ::gelf_getdyn(entries, i, &entry) != nullptr; ++i) {
        if (entry.d_tag != DT_NEEDED) continue;
        const char* name = ::elf_strptr(elf_, header.sh_link, entry.d_un.d_val);
        if (name != nullptr) names.emplace_back(name);
      }
    }
    return names;
  }

  std::string interpreter() const {
    size_t count = 0;
    if (elf_ == nullptr || ::elf_getphdrnum(elf_, &count) != 0) return "";
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (::gelf_getphdr(elf_, static_cast<int>(i), &segment) == nullptr) break;
      if (segment.p_type != PT_INTERP) continue;
      size_t size = 0;
      const char* whole = ::elf_rawfile(elf_, &size);
      if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) break;
      return std::string(whole + segment.p_offset, segment.p_filesz).c_str();
    }
    return "";
  }

 private:
  Elf_Scn* next(Elf_Scn* section) const {
    return elf_ != nullptr ? ::elf_nextscn(elf_, section) : nullptr;
  }

  int fd_;
  Elf* elf_;
};

// What the loader says when it is asked for a program's libraries, as ldd asks.
std::string listed_by(const std::string& loader, const std::string& program) {
  run::Output output;
  pid_t child = run::fork_child(output, [&] {
    ::setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);  // --list would stop at the first that is missing
    ::execl(loader.c_str(), loader.c_str(), program.c_str(), nullptr);
    return 127;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  constexpr size_t kAll = 1u << 20;
  return output.tail(kAll);
}

}  // namespace

std::vector<std::string> imported_functions(const std::string& path) {
  return ElfFile(path).functions(false);
}

std::vector<std::string> exported_functions(const std::string& path) {
  return ElfFile(path).functions(true);
}

std::vector<std::string> needed_libraries(const std::string& path) {
  return ElfFile(path).needed();
}

bool is_tsan_runtime(const std::string& name) {
  return name.starts_with("libtsan.so") || name.starts_with("libclang_rt.tsan");
}

std::vector<std::string> loaded_files(const std::string& program) {
  std::vector<std::string> files = {program};
  std::string loader = ElfFile(program).interpreter();
  if (loader.empty()) return files;
  // "	libevent-2.1.so.7 => /lib/x86_64-linux-gnu/libevent-2.1.so.7 (0x...)", or "=> not found"
  std::istringstream lines(listed_by(loader, program));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, arrow, path;
    if (!(words >> name >> arrow >> path) || arrow != "=>" || path[0] != '/') continue;
    bool is_libc = name.starts_with("libc.so") || name.starts_with("libpthread.so") ||
                   name.starts_with("ld-linux");
    if (!is_libc && !is_tsan_runtime(name)) files.push_back(path);
  }
  return files;
}

}  // namespace pollux::cli
