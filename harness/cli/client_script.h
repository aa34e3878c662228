// SPDX-License-Identifier: MIT
//
// A client script: what a client of `pollux exec --client` does, one step a line.
//
//   send "TEXT"      writes TEXT
//   expect "TEXT"    the next bytes that come must be TEXT
//   until "TEXT"     reads up to the next TEXT, that one included, whatever stands before it
//   closed           the server must close its side now; nothing else may come
//   sleep TIME       lets virtual time pass: 500us, 10ms, 2s, 1m
//   patience TIME    how long expect, until and closed wait from here on; 60s at first
//   half-close       shuts the sending side down; what comes back can still be read
//   close            closes the connection
//   reset            closes it in a way that the server sees as a reset
//   connect          makes the next connection, after close, closed or reset
//
// A client begins with a connection. Blank lines, and lines whose first character is '#', are
// skipped. In TEXT, \r \n \t \0 \\ \" stand for what they do in C, \xHH for the byte HH, and \# for
// the number of the client among those that play the script, from 0. Bytes outside of printable
// ASCII must be written as \xHH.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::cli {

struct ClientStep {
  enum class Kind : uint8_t {
    send,
    expect,
    until,
    closed,
    sleep,
    patience,
    half_close,
    close,
    reset,
    connect
  };
  Kind kind;
  unsigned line;
  std::string text;         // send, expect, until
  int64_t nanoseconds = 0;  // sleep, patience

  friend bool operator==(const ClientStep&, const ClientStep&) = default;
};

inline constexpr int64_t kPatienceNs = 60LL * 1'000'000'000;

// What is wrong, with the line: "kv.txt:3: ...".
struct ClientScriptError {
  std::string message;
};

// The steps of client `number`. `file` is for messages.
std::variant<std::vector<ClientStep>, ClientScriptError> parse_client_script(
    std::string_view script, std::string_view file, unsigned number);

// Bytes as they would stand in a script, quoted.
std::string quoted(std::string_view bytes);

}  // namespace pollux::cli
