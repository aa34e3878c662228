// SPDX-License-Identifier: MIT
#include "cli/exec_launch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <vector>

#include "cli/arguments.h"
#include "cli/elf_imports.h"

namespace pollux::cli {
namespace {

// What a string vector takes of a new program's stack (execve(2), "Limits on size of arguments and
// environment").
size_t stack_use(char* const* strings) {
  size_t bytes = 0;
  for (; *strings != nullptr; ++strings) bytes += std::strlen(*strings) + 1 + sizeof *strings;
  return bytes;
}

size_t count(char* const* strings) {
  size_t number = 0;
  while (strings[number] != nullptr) ++number;
  return number;
}

// The kernel aligns to 16 bytes below the strings and below the pointers to them, so both must be
// multiples of it away from where they always are.
void pad_environment(char* const* arguments, size_t more) {
  constexpr size_t kStep = 64 << 10;
  ::setenv(kPaddingVariable, "", 1);
  ::unsetenv(kEvenVariable);
  if ((count(arguments) + count(environ)) % 2 != 0) ::setenv(kEvenVariable, "", 1);
  size_t used = stack_use(arguments) + stack_use(environ);
  std::string padding((kStep - used % kStep) % kStep + more, 'x');
  ::setenv(kPaddingVariable, padding.c_str(), 1);
}

// Of always the same length: no other variable may move by it, either.
std::string fixed_width(size_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "%05zu", number);
  return text;
}

std::string find_preloads(const std::string& program) {
  const std::string library = preload_library();
  // Without it the program would run on the real kernel.
  if (library.empty())
    throw UsageError{
        "libpollux.so is not there: it belongs next to the pollux binary, or name it in "
        "POLLUX_LIBRARY"};
  const std::string stand_ins = library.substr(0, library.rfind('/')) + "/pollux-stand-ins/";
  std::string preloads = library;
  // Who is built with -fsanitize=thread asks for it itself.
  for (const std::string& needed : needed_libraries(program)) {
    if (!is_tsan_runtime(needed)) continue;
    const std::string stand_in = stand_ins + needed;
    if (::access(stand_in.c_str(), R_OK) != 0)
      throw UsageError{"'" + program + "' needs " + needed + ", and " + stand_in +
                       ", which would stand in for it, is not there"};
    preloads += ":" + stand_in;
  }
  return preloads;
}

}  // namespace

std::string preload_library() {
  std::vector<std::string> candidates;
  if (const char* named = std::getenv("POLLUX_LIBRARY")) candidates.push_back(named);
  char self[PATH_MAX];
  ssize_t size = ::readlink("/proc/self/exe", self, sizeof self - 1);
  if (size > 0) {
    std::string folder(self, static_cast<size_t>(size));
    folder.erase(folder.rfind('/'));
    for (const char* place :
         {"/libpollux.so", "/../lib/libpollux.so", "/../lib/pollux/libpollux.so"}) {
      candidates.push_back(folder + place);
    }
  }
  for (const std::string& candidate : candidates) {
    char resolved[PATH_MAX];
    if (::realpath(candidate.c_str(), resolved) != nullptr) return resolved;
  }
  return "";
}

std::string preloads_for(const std::string& program) {
  static std::map<std::string, std::string> known;  // a sweep asks for each seed
  auto at = known.find(program);
  if (at == known.end()) at = known.emplace(program, find_preloads(program)).first;
  return at->second;
}

void become(const ExecWorkload& program, const std::string& preloads, int descriptor, bool moved) {
  // The kernel's answer to mmap(NULL) must not differ, either.
  ::personality(ADDR_NO_RANDOMIZE | (moved ? ADDR_COMPAT_LAYOUT : 0));
  const char* preloaded = std::getenv("LD_PRELOAD");
  const bool others = preloaded != nullptr && *preloaded != '\0';
  const std::string all = preloads + (others ? ":" + std::string(preloaded) : "");
  ::setenv("LD_PRELOAD", all.c_str(), 1);
  ::setenv(kPreloadVariable, fixed_width(preloads.size()).c_str(), 1);
  ::setenv(kExecVariable, fixed_width(static_cast<size_t>(descriptor)).c_str(), 1);
  ::setenv(kMovedVariable, moved ? "1" : "0", 1);
  ::fcntl(descriptor, F_SETFD, 0);
  std::vector<char*> arguments;
  for (const std::string& argument : program.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pad_environment(arguments.data(), moved ? kMovedBytes : 0);
  ::execv(program.program.c_str(), arguments.data());
}

}  // namespace pollux::cli
