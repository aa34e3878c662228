// SPDX-License-Identifier: MIT
#include "examples/http_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace {

constexpr HttpParse refused(int status) { return {HttpParse::State::refused, 0, status}; }

// RFC 9110, 5.6.2.
bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// No control characters: a bare CR or NUL is where parsers begin to disagree.
bool is_text(std::string_view s) {
  return std::all_of(s.begin(), s.end(),
                     [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// One line without its end, off the front of *rest.
std::string_view take_line(std::string_view* rest) {
  const size_t end = rest->find("\r\n");
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end + 2);
  return line;
}

// What the header fields say, in the order in which they may contradict each other.
struct Fields {
  int hosts = 0;
  bool length_seen = false;
  bool encoded = false;
};

// Whether one of the comma-separated members of `list` is `word`.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (same(trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool parse_length(std::string_view value, uint64_t* out) {
  const char* end = value.data() + value.size();
  const auto [p, err] = std::from_chars(value.data(), end, *out);
  return err == std::errc() && p == end;
}

// 0, or the status to refuse with.
int take_field(std::string_view line, Fields* seen, HttpRequest* request) {
  const size_t colon = line.find(':');
  // No space before the colon, and no line that continues the one before (RFC 9112, 5.1 and 5.2).
  if (colon == line.npos || !is_token(line.substr(0, colon)) || !is_text(line)) return 400;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (same(name, "host")) {
    seen->hosts++;
  } else if (same(name, "connection")) {
    if (lists(value, "close")) request->keep_alive = false;
    if (request->minor_version == 0 && lists(value, "keep-alive")) request->keep_alive = true;
  } else if (same(name, "content-length")) {
    uint64_t length = 0;
    if (!parse_length(value, &length)) return 400;
    if (seen->length_seen && length != request->content_length) return 400;
    seen->length_seen = true;
    request->content_length = length;
  } else if (same(name, "transfer-encoding")) {
    seen->encoded = true;
  }
  return 0;
}

// "GET /x HTTP/1.1"; 0, or the status to refuse with.
int take_request_line(std::string_view line, HttpRequest* request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last || !is_text(line)) return 400;
  request->method = line.substr(0, first);
  request->target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(request->method) || request->target.empty() ||
      request->target.find(' ') != line.npos) {
    return 400;
  }
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/") return 400;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return 505;
  request->minor_version = version[7] - '0';
  request->keep_alive = request->minor_version == 1;
  return 0;
}

}  // namespace

HttpParse parse_http_request(std::string_view bytes, HttpRequest* request) {
  *request = {};
  // Empty lines in front are to be ignored (RFC 9112, 2.2), but not without end.
  const size_t start = bytes.substr(0, 4) == "\r\n\r\n" ? 4 : bytes.substr(0, 2) == "\r\n" ? 2 : 0;
  const size_t end = bytes.substr(0, kHttpHeadMax).find("\r\n\r\n", start);
  if (end == bytes.npos) {
    if (bytes.size() >= kHttpHeadMax) return refused(431);
    return {};
  }
  std::string_view rest = bytes.substr(start, end + 2 - start);
  if (const int status = take_request_line(take_line(&rest), request)) return refused(status);
  Fields seen;
  for (int n = 0; !rest.empty(); n++) {
    if (n == kHttpFieldsMax) return refused(431);
    if (const int status = take_field(take_line(&rest), &seen, request)) return refused(status);
  }
  // Both would be one request to us and another to a proxy in front (RFC 9112, 6.3).
  if (seen.encoded) return refused(seen.length_seen ? 400 : 501);
  if (request->minor_version == 1 ? seen.hosts != 1 : seen.hosts > 1) return refused(400);
  return {HttpParse::State::complete, end + 4, 0};
}
