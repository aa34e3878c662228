// SPDX-License-Identifier: MIT
#include "run/build_info.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <fstream>

namespace pollux::run {
namespace {

constexpr size_t kDigits = 16;

size_t align_up(size_t value) { return (value + 3) & ~size_t{3}; }

std::string find_note(const std::string& notes) {
  size_t at = 0;
  while (at + sizeof(ElfW(Nhdr)) <= notes.size()) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data() + at, sizeof header);
    at += sizeof header;
    size_t description = at + align_up(header.n_namesz);
    size_t next = description + align_up(header.n_descsz);
    if (next > notes.size() || next < at) return "";
    bool gnu = header.n_namesz == 4 && std::memcmp(notes.data() + at, "GNU", 4) == 0;
    if (gnu && header.n_type == NT_GNU_BUILD_ID) {
      std::string digits;
      for (size_t i = 0; i < header.n_descsz && digits.size() < kDigits; ++i) {
        auto byte = static_cast<unsigned char>(notes[description + i]);
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
      }
      return digits;
    }
    at = next;
  }
  return "";
}

}  // namespace

std::string build_id_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  ElfW(Ehdr) header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return "";
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "";
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    file.seekg(static_cast<std::streamoff>(header.e_phoff + i * header.e_phentsize));
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return "";
    if (segment.p_type != PT_NOTE || segment.p_filesz > (1u << 20)) continue;
    std::string notes(segment.p_filesz, '\0');
    file.seekg(static_cast<std::streamoff>(segment.p_offset));
    if (!file.read(notes.data(), static_cast<std::streamsize>(notes.size()))) return "";
    std::string digits = find_note(notes);
    if (!digits.empty()) return digits;
  }
  return "";
}

const std::string& build_id() {
  static const std::string id = [] {
    std::string digits = build_id_of_file("/proc/self/exe");
    return digits.empty() ? std::string("none") : digits;
  }();
  return id;
}

std::string compiler() {
#if defined(__clang__)
  return "clang-" + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
         std::to_string(__clang_patchlevel__);
#else
  return "gcc-" + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
         std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

}  // namespace pollux::run
