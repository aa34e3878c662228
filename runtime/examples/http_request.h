// SPDX-License-Identifier: MIT
// The head of an HTTP/1.x request, as much of RFC 9112 as a server needs that must not be fooled:
// one request is found exactly where the sender put it, or the connection ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

struct HttpRequest {
  std::string_view method;
  std::string_view target;
  int minor_version = 1;        // HTTP/1.0 or HTTP/1.1
  bool keep_alive = true;       // what the client wants after this request
  uint64_t content_length = 0;  // bytes of the body, which follow the head
};

struct HttpParse {
  enum class State { complete, incomplete, refused };
  State state = State::incomplete;
  size_t head_length = 0;  // complete: bytes up to and with the empty line
  int status = 0;          // refused: 400, 431, 501 or 505; close after sending it
};

inline constexpr size_t kHttpHeadMax = 8192;
inline constexpr int kHttpFieldsMax = 100;

// Looks at the start of `bytes`. The views in *request point into it.
HttpParse parse_http_request(std::string_view bytes, HttpRequest* request);
