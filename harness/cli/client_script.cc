// SPDX-License-Identifier: MIT
#include "cli/client_script.h"

#include <charconv>
#include <utility>

namespace pollux::cli {
namespace {

using Kind = ClientStep::Kind;

constexpr std::pair<std::string_view, Kind> kWords[] = {
    {"send", Kind::send},      {"expect", Kind::expect},         {"until", Kind::until},
    {"closed", Kind::closed},  {"sleep", Kind::sleep},           {"patience", Kind::patience},
    {"close", Kind::close},    {"half-close", Kind::half_close}, {"reset", Kind::reset},
    {"connect", Kind::connect}};

constexpr std::pair<char, char> kEscapes[] = {{'r', '\r'}, {'n', '\n'},  {'t', '\t'},
                                              {'0', '\0'}, {'\\', '\\'}, {'"', '"'}};

std::string_view without_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r";
  size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

bool is_printable(char c) { return c >= 0x20 && c <= 0x7E; }

std::string hex_byte(char c) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  auto byte = static_cast<unsigned char>(c);
  return {kDigits[byte >> 4], kDigits[byte & 15]};
}

// Each of the readers answers what is wrong, and an empty string when nothing is.

std::string read_time(std::string_view argument, int64_t& nanoseconds) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}};
  constexpr int64_t kMost = 3'600'000'000'000;
  int64_t value = 0;
  auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), value);
  std::string_view unit(end, static_cast<size_t>(argument.data() + argument.size() - end));
  for (auto [name, factor] : kUnits) {
    if (unit != name || error != std::errc() || value < 0 || value > kMost / factor) continue;
    nanoseconds = value * factor;
    return "";
  }
  return "'" + std::string(argument) +
         "' is no time: use a whole number up to an hour and its unit, like 500us, 10ms, 2s or 1m";
}

// `at` is behind a backslash.
std::string read_escape(std::string_view text, size_t& at, unsigned client, std::string& out) {
  char c = at < text.size() ? text[at] : '\0';
  if (c == '#') {
    out += std::to_string(client);
    ++at;
    return "";
  }
  if (c == 'x' && at + 2 < text.size()) {
    unsigned value = 0;
    const char* digits = text.data() + at + 1;
    auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error == std::errc() && end == digits + 2) {
      out += static_cast<char>(value);
      at += 3;
      return "";
    }
  }
  for (auto [name, byte] : kEscapes) {
    if (c != name || at >= text.size()) continue;
    out += byte;
    ++at;
    return "";
  }
  std::string bad = at < text.size() ? std::string(1, c) : "";
  return "'\\" + bad + R"(' is no escape: use \r \n \t \0 \\ \" \xHH or \# (the client's number))";
}

std::string read_text(std::string_view argument, unsigned client, std::string& out) {
  if (argument.size() < 2 || argument.front() != '"')
    return "use a text in double quotes, like \"get k\\r\\n\"";
  size_t at = 1;
  while (at < argument.size() && argument[at] != '"') {
    char c = argument[at++];
    if (!is_printable(c)) return "byte 0x" + hex_byte(c) + ": write it as \\x" + hex_byte(c);
    if (c != '\\') {
      out += c;
    } else if (std::string wrong = read_escape(argument, at, client, out); !wrong.empty()) {
      return wrong;
    }
  }
  if (at >= argument.size()) return "the text has no closing quote";
  if (at + 1 != argument.size()) return "something stands behind the closing quote";
  if (out.empty()) return "the text is empty";
  return "";
}

// A script must not ask for what its connection can not do at that line.
class Order {
 public:
  std::string check(Kind kind) {
    switch (kind) {
      case Kind::sleep:
      case Kind::patience:
        return "";
      case Kind::connect:
        if (connected_) return "the client has a connection: put close or reset in front";
        connected_ = can_send_ = true;
        return "";
      case Kind::send:
      case Kind::half_close:
        if (connected_ && !can_send_) return "the sending side was shut down by half-close";
        break;
      default:
        break;
    }
    if (!connected_) return "the connection was closed: put connect in front";
    if (kind == Kind::half_close) can_send_ = false;
    if (kind == Kind::close || kind == Kind::reset || kind == Kind::closed) connected_ = false;
    return "";
  }

 private:
  bool connected_ = true, can_send_ = true;
};

std::string read_step(std::string_view line, unsigned client, ClientStep& step) {
  size_t word_end = line.find_first_of(" \t");
  std::string_view word = line.substr(0, word_end);
  std::string_view argument =
      word_end == std::string_view::npos ? "" : without_spaces(line.substr(word_end));
  for (auto [name, kind] : kWords) {
    if (word != name) continue;
    step.kind = kind;
    switch (kind) {
      case Kind::send:
      case Kind::expect:
      case Kind::until:
        return read_text(argument, client, step.text);
      case Kind::sleep:
      case Kind::patience:
        return read_time(argument, step.nanoseconds);
      default:
        return argument.empty() ? "" : "nothing may follow it";
    }
  }
  std::string known;
  for (auto [name, kind] : kWords) known += (known.empty() ? "" : ", ") + std::string(name);
  return "there is no such step; there are " + known;
}

}  // namespace

std::variant<std::vector<ClientStep>, ClientScriptError> parse_client_script(
    std::string_view script, std::string_view file, unsigned number) {
  std::vector<ClientStep> steps;
  Order order;
  unsigned line_number = 0;
  while (!script.empty()) {
    size_t end = script.find('\n');
    std::string_view line = without_spaces(script.substr(0, end));
    script = end == std::string_view::npos ? "" : script.substr(end + 1);
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    ClientStep step{.kind = Kind::send, .line = line_number, .text = ""};
    std::string wrong = read_step(line, number, step);
    if (wrong.empty()) wrong = order.check(step.kind);
    if (!wrong.empty()) {
      return ClientScriptError{std::string(file) + ":" + std::to_string(line_number) + ": '" +
                               std::string(line.substr(0, line.find_first_of(" \t"))) +
                               "': " + wrong};
    }
    steps.push_back(std::move(step));
  }
  if (steps.empty()) return ClientScriptError{std::string(file) + ": it has no steps"};
  return steps;
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (char c : bytes) {
    bool escaped = false;
    for (auto [name, byte] : kEscapes) {
      if (c != byte) continue;
      text += {'\\', name};
      escaped = true;
    }
    if (escaped) continue;
    if (is_printable(c)) {
      text += c;
    } else {
      text += "\\x" + hex_byte(c);
    }
  }
  return text + "\"";
}

}  // namespace pollux::cli
