// SPDX-License-Identifier: MIT
//
// Bytes as text that survives shells, e-mails and URLs: base64url without padding, hexadecimal
// digits, and a checksum.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::run {

std::string encode_base64url(std::string_view bytes);

// Nothing when a character is outside the alphabet or the length is impossible. `bad`, when given,
// receives the index of the first character outside the alphabet, or the length of the text.
std::optional<std::string> decode_base64url(std::string_view text, size_t* bad = nullptr);

// Two lower-case digits for each byte; read in either case.
std::string encode_hex(std::span<const uint8_t> bytes);
std::optional<std::vector<uint8_t>> decode_hex(std::string_view text);

// Eight hexadecimal digits.
std::string checksum(std::string_view text);

std::string hex(uint64_t value, unsigned digits = 16);

}  // namespace pollux::run
