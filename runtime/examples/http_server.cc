// SPDX-License-Identifier: MIT
// http_server PORT [WORKERS]: says hello to HTTP/1.1 on 127.0.0.1, with keep-alive and pipelining,
// until SIGTERM or SIGINT; then it answers what it has begun to read, and ends.
//
//   wrk -t2 -c64 -d10s http://127.0.0.1:PORT/
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "examples/arguments.h"
#include "examples/http_request.h"
#include "examples/open_connections.h"
#include "examples/stop_signal.h"
#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"

namespace {

using namespace std::chrono_literals;
using netpoll::TcpConn;
using Clock = std::chrono::steady_clock;

constexpr auto kIdleTimeout = 60s;     // between requests
constexpr auto kRequestTimeout = 10s;  // for the rest of a request, and for taking the answer
constexpr uint64_t kBodyMax = 1 << 20;

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

void append_answer(std::string* out, int status, bool keep_alive, int minor_version,
                   bool with_body) {
  const std::string body = status == 200 ? "Hello, world!\n" : std::string(reason(status)) + "\n";
  *out += "HTTP/1.1 " + std::to_string(status) + " " + reason(status) +
          "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (status == 405) *out += "Allow: GET, HEAD\r\n";
  if (!keep_alive) *out += "Connection: close\r\n";
  if (keep_alive && minor_version == 0) *out += "Connection: keep-alive\r\n";
  *out += "\r\n";
  if (with_body) *out += body;
}

class Session {
 public:
  Session(TcpConn& conn, const OpenConnections& all) : conn_(conn), all_(all) {}

  // Serves until the connection ends; returns the number of requests answered.
  uint64_t run() {
    for (;;) {
      const bool more = answer_what_is_there();
      if (!out_.empty()) {
        if (conn_.set_write_deadline(Clock::now() + kRequestTimeout)) break;
        if (conn_.write(out_.data(), out_.size()).err) break;
        out_.clear();
      }
      if (!more || !read_more()) break;
    }
    return answered_;
  }

 private:
  // Every complete request in the buffer. False: close after sending the answers.
  bool answer_what_is_there() {
    size_t used = 0;
    bool more = true;
    while (more && used < have_) {
      if (body_left_ > 0) {
        const size_t n = static_cast<size_t>(std::min<uint64_t>(body_left_, have_ - used));
        body_left_ -= n;
        used += n;
        continue;
      }
      HttpRequest request;
      const HttpParse parse =
          parse_http_request(std::string_view(in_ + used, have_ - used), &request);
      if (parse.state == HttpParse::State::incomplete) break;
      used += parse.head_length;
      more = answer(parse, request);
    }
    have_ -= used;
    std::memmove(in_, in_ + used, have_);
    return more;
  }

  bool answer(const HttpParse& parse, const HttpRequest& request) {
    answered_++;
    int status = 200;
    bool keep_alive = request.keep_alive && !all_.draining();
    if (parse.state == HttpParse::State::refused) {
      status = parse.status;
    } else if (request.content_length > kBodyMax) {
      status = 413;
    } else if (request.method != "GET" && request.method != "HEAD") {
      status = 405;
    }
    if (status != 200 && status != 405) keep_alive = false;
    append_answer(&out_, status, keep_alive, request.minor_version, request.method != "HEAD");
    body_left_ = request.content_length;
    return keep_alive;
  }

  bool read_more() {
    const auto now = Clock::now();
    if (conn_.set_read_deadline(now + (idle() ? kIdleTimeout : kRequestTimeout))) return false;
    // After the deadline, so that drain() either is seen here or overrides it.
    if (all_.draining() && idle()) return false;
    netpoll::IoResult r = conn_.read(in_ + have_, sizeof in_ - have_);
    if (r.err.timeout() && all_.draining() && !idle()) {
      // Drain woke us in the middle of a request: let it come.
      if (conn_.set_read_deadline(now + kRequestTimeout)) return false;
      r = conn_.read(in_ + have_, sizeof in_ - have_);
    }
    have_ += r.n;
    return !r.err;
  }

  bool idle() const { return have_ == 0 && body_left_ == 0; }

  TcpConn& conn_;
  const OpenConnections& all_;
  char in_[kHttpHeadMax];
  size_t have_ = 0;
  uint64_t body_left_ = 0;
  std::string out_;
  uint64_t answered_ = 0;
};

class Server {
 public:
  int run(int port, StopSignal& stop) {
    auto [listener, err] =
        netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(static_cast<uint16_t>(port)));
    if (err) return fail(err);
    std::printf("listening on %s\n", listener.addr().to_string().c_str());
    std::fflush(stdout);
    netpoll::WaitGroup accepting;
    accepting.go([this, l = listener]() mutable { accept_all(l); });
    if (const netpoll::Error e = stop.wait()) return fail(e);
    (void)listener.close();
    accepting.wait();  // or a connection could come after drain has looked
    connections_.drain();
    std::printf("stopped after %llu requests\n", static_cast<unsigned long long>(requests_.load()));
    return 0;
  }

 private:
  static int fail(const netpoll::Error& err) {
    std::fprintf(stderr, "http_server: %s\n", err.message().c_str());
    return 1;
  }

  void accept_all(netpoll::TcpListener& listener) {
    for (;;) {
      auto [conn, err] = listener.accept();
      if (err.code() == netpoll::Errc::net_closing) return;
      if (err) {
        fail(err);
        netpoll::sleep_for(10ms);  // out of descriptors: let some close
        continue;
      }
      connections_.serve(std::move(conn),
                         [this](TcpConn& c) { requests_ += Session(c, connections_).run(); });
    }
  }

  OpenConnections connections_;
  std::atomic<uint64_t> requests_{0};
};

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  netpoll::RuntimeOptions options;
  if (argc < 2 || argc > 3 || !parse_number(argv[1], 0, 65535, &port) ||
      (argc == 3 && !parse_number(argv[2], 1, 1024, &options.workers))) {
    std::fprintf(stderr, "usage: http_server PORT [WORKERS]\n");
    return 2;
  }
  StopSignal stop;
  Server server;
  int status = 0;
  netpoll::Runtime runtime(options);
  runtime.run([&] { status = server.run(port, stop); });
  return status;
}
