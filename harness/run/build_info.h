// SPDX-License-Identifier: MIT
//
// Which build this is. A run is a function of the binary, so a token names the one that made it.
#pragma once

#include <string>

namespace pollux::run {

// The first 16 hexadecimal digits of the GNU build id of an ELF file; empty when the file has none
// or can not be read.
std::string build_id_of_file(const std::string& path);

// That of the running executable; "none" when it was linked without --build-id.
const std::string& build_id();

// "gcc-12.2.0", "clang-14.0.6"
std::string compiler();

}  // namespace pollux::run
