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

// The shared libraries that an ELF file itself asks for, by name (DT_NEEDED).
std::vector<std::string> needed_libraries(const std::string& path);

// ThreadSanitizer's runtime, by its name: `pollux exec` stands in for it.
bool is_tsan_runtime(const std::string& name);

// The program itself and its libraries, but for those of libc and those that Pollux stands in for.
std::vector<std::string> loaded_files(const std::string& program);

}  // namespace pollux::cli
