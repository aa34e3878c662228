// SPDX-License-Identifier: MIT
//
// Which functions a program and its libraries import, and what the shim does with them. For
// `pollux doctor BINARY`.
#pragma once

#include <string>
#include <vector>

namespace pollux::cli {

// Names of functions that an ELF file leaves undefined, or defines, in its dynamic symbol table;
// sorted. Empty when it is no ELF file of this machine.
std::vector<std::string> imported_functions(const std::string& path);
std::vector<std::string> exported_functions(const std::string& path);

// The program itself and each shared library that the loader would map for it, libc's own left out.
std::vector<std::string> loaded_files(const std::string& program);

}  // namespace pollux::cli
