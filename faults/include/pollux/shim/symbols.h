// SPDX-License-Identifier: MIT
//
// What the shim takes over, as data: the list of symbols.def.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pollux::shim {

enum class SymbolKind : uint8_t {
  modelled,  // in a run the backend answers, as a system call
  answered,  // in a run the shim knows the answer, or makes it from other calls
  refused,   // in a run it ends the run as unmodelled, with its name
};

struct Symbol {
  std::string_view name;
  SymbolKind kind;
  long number;  // of the system call that it becomes, where it is modelled
};

// Thread functions are in it only when they are refused: all others of the shim are modelled.
std::span<const Symbol> symbols();

}  // namespace pollux::shim
