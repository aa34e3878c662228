// SPDX-License-Identifier: MIT
//
// From places in code, (module << 40) | offset, to functions, files and lines. Works from the files
// of the modules, with their own or separate debug information, by elfutils' libdwfl; the process
// that ran them may be gone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pollux::run {

struct CodeLine {
  std::string function;  // "poll_fd::read"; empty when nobody knows
  std::string file;      // last component only, as given to the compiler; empty without debug info
  std::string path;      // whole
  int line = 0;
};

// "poll_fd.cc:120", or the function when there is no debug information, or "?".
std::string to_string(const CodeLine&);

class Symbols {
 public:
  // Paths by module number. A module that can not be read has no symbols.
  explicit Symbols(const std::vector<std::string>& modules);
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // The functions at this place, innermost inlined one first; at least one.
  const std::vector<CodeLine>& at(uint64_t place);

  // Code of Pollux itself or of the system: not where a person looks.
  bool is_foreign(uint64_t place);
  static bool is_foreign(const CodeLine&);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pollux::run
