// SPDX-License-Identifier: MIT
// Endpoints for tests: temporary paths, pipes, pairs of unix sockets.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "src/net_fd.h"
#include "support.h"

namespace netpoll::testing {

// A directory for one test, short enough for a socket's path.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/netpoll.XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  Address socket(const std::string& name) const { return Address::unix_name(file(name)); }

 private:
  std::string path_;
};

// A file with this content, open for reading and writing at offset 0.
inline int temp_file(const TempDir& dir, const std::string& content) {
  const std::string name = dir.file("content");
  const int fd = open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  EXPECT_EQ(pwrite(fd, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  return fd;
}

struct PipeFiles {
  File out;  // to read from
  File in;   // to write to
};

inline PipeFiles pipe_files() {
  int fds[2];
  EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
  return {File::adopt(fds[0], "|0").value, File::adopt(fds[1], "|1").value};
}

struct UnixPair {
  UnixConn client;
  UnixConn server;
};

inline UnixPair unix_pair(int type = SOCK_STREAM) {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {UnixConn::adopt(fds[0]).value, UnixConn::adopt(fds[1]).value};
}

inline std::string pattern(size_t n, uint32_t seed) {
  std::string s(n, '\0');
  for (char& c : s) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return s;
}

// Everything up to the end of the stream.
inline std::string read_all(Descriptor& from, Error* end = nullptr) {
  std::string s;
  char buf[16384];
  for (;;) {
    const IoResult r = from.read(buf, sizeof buf);
    if (r.err) {
      if (end) {
        *end = r.err;
      } else {
        EXPECT_EQ(r.err.code(), Errc::eof) << r.err.message();
      }
      return s;
    }
    s.append(buf, r.n);
  }
}

// A goroutine that the test waits for.
template <class F>
void in_background(WaitGroup& group, F f) {
  group.add(1);
  go([&group, f = std::move(f)]() mutable {
    f();
    group.done();
  });
}

// Whether this machine has IPv6 at all.
inline bool has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_addr = in6addr_loopback;
  const bool ok = ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  ::close(fd);
  return ok;
}

}  // namespace netpoll::testing
