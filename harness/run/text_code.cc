// SPDX-License-Identifier: MIT
#include "run/text_code.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>

namespace pollux::run {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t held = 0;
  unsigned bits = 0;
  for (char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += kAlphabet[(held >> (bits - 6)) & 63];
  }
  if (bits != 0) text += kAlphabet[(held << (6 - bits)) & 63];
  return text;
}

std::optional<std::string> decode_base64url(std::string_view text, size_t* bad) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t held = 0;
  unsigned bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t value = kAlphabet.find(text[i]);
    if (value == std::string_view::npos) {
      if (bad != nullptr) *bad = i;
      return std::nullopt;
    }
    held = (held << 6) | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((held >> bits) & 255);
    }
  }
  // What is left over is padding: fewer than six bits, all zero, or a character is missing.
  if (bits >= 6 || (held & ((1u << bits) - 1)) != 0) {
    if (bad != nullptr) *bad = text.size();
    return std::nullopt;
  }
  return bytes;
}

std::string encode_hex(std::span<const uint8_t> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (uint8_t byte : bytes) text += hex(byte, 2);
  return text;
}

std::optional<std::vector<uint8_t>> decode_hex(std::string_view text) {
  std::vector<uint8_t> bytes;
  for (; text.size() >= 2; text.remove_prefix(2)) {
    auto [end, error] = std::from_chars(text.data(), text.data() + 2, bytes.emplace_back(), 16);
    if (error != std::errc() || end != text.data() + 2) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return bytes;
}

std::string checksum(std::string_view text) {
  return hex(XXH3_64bits(text.data(), text.size()) & 0xFFFFFFFFu, 8);
}

std::string hex(uint64_t value, unsigned digits) {
  std::string text(digits, '0');
  for (unsigned i = digits; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace pollux::run
