// SPDX-License-Identifier: MIT
// chat_server PORT: what one client writes, all others read, line by line, on 127.0.0.1. The first
// line of a client is its name. Whoever is silent for ten minutes, or does not take what is sent to
// it for five seconds, is dropped. SIGTERM or SIGINT: everybody is told, then it ends.
//
//   nc 127.0.0.1 PORT
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "examples/arguments.h"
#include "examples/open_connections.h"
#include "examples/stop_signal.h"
#include "netpoll/channel.h"
#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"
#include "netpoll/sync.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Line = std::shared_ptr<const std::string>;

constexpr auto kSilenceMax = 10min;
constexpr auto kWriteTimeout = 5s;
constexpr size_t kLineMax = 1024;
constexpr size_t kOutboxLines = 64;

struct Client {
  explicit Client(netpoll::TcpConn c) : conn(std::move(c)) {}

  // Ends its reads and writes, without waiting.
  void drop() { (void)conn.set_deadline(Clock::now() - 1h); }

  netpoll::TcpConn conn;
  std::string name;
  netpoll::Channel<Line> outbox{kOutboxLines};
};

// Who is there. The lock is never held while a goroutine waits.
class Room {
 public:
  // False: the server stops.
  bool join(const std::shared_ptr<Client>& c) {
    std::lock_guard<std::mutex> hold(lock_);
    if (stopping_) return false;
    clients_.push_back(c);
    tell(nullptr, "* " + c->name + " is here\n");
    return true;
  }

  // After this nothing is sent to `c` any more.
  void leave(const std::shared_ptr<Client>& c) {
    std::lock_guard<std::mutex> hold(lock_);
    const auto it = std::find(clients_.begin(), clients_.end(), c);
    if (it == clients_.end()) return;
    clients_.erase(it);
    tell(nullptr, "* " + c->name + " has left\n");
  }

  void say(const Client& from, const std::string& text) {
    std::lock_guard<std::mutex> hold(lock_);
    tell(&from, from.name + ": " + text + "\n");
  }

  // Nobody joins any more.
  void stop() {
    std::lock_guard<std::mutex> hold(lock_);
    stopping_ = true;
    tell(nullptr, "* the server stops\n");
  }

 private:
  void tell(const Client* except, std::string text) {
    const Line line = std::make_shared<const std::string>(std::move(text));
    for (const auto& c : clients_) {
      if (c.get() != except && !c->outbox.try_send(line)) c->drop();  // too slow
    }
  }

  std::mutex lock_;
  std::vector<std::shared_ptr<Client>> clients_;
  bool stopping_ = false;
};

// Splits what comes into lines; false at the end, and for a line that is too long.
class LineReader {
 public:
  explicit LineReader(netpoll::TcpConn& conn) : conn_(conn) {}

  bool next(std::string* line) {
    for (;;) {
      if (const size_t end = buffer_.find('\n'); end != buffer_.npos) {
        *line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        if (!line->empty() && line->back() == '\r') line->pop_back();
        return true;
      }
      if (buffer_.size() > kLineMax) return false;
      char bytes[kLineMax];
      const netpoll::IoResult r = conn_.read(bytes, sizeof bytes);
      if (r.err) return false;
      buffer_.append(bytes, r.n);
    }
  }

 private:
  netpoll::TcpConn& conn_;
  std::string buffer_;
};

// Sends until the outbox is closed and empty. After a failure it only empties it.
void write_lines(Client& c) {
  bool failed = false;
  for (;;) {
    const auto [line, ok] = c.outbox.recv();
    if (!ok) return;
    if (failed) continue;
    failed = c.conn.set_write_deadline(Clock::now() + kWriteTimeout) ||
             c.conn.write(line->data(), line->size()).err;
    if (failed) c.drop();
  }
}

void converse(Room& room, const OpenConnections& all, netpoll::TcpConn& conn) {
  const auto c = std::make_shared<Client>(conn);
  LineReader lines(c->conn);
  std::string line;
  // The next line; the look at draining() after the deadline, so that drain() is not overridden.
  const auto next = [&](std::string* text) {
    return !c->conn.set_read_deadline(Clock::now() + kSilenceMax) && !all.draining() &&
           lines.next(text);
  };
  if (!next(&c->name)) return;
  netpoll::WaitGroup writing;
  writing.go([c] { write_lines(*c); });
  if (room.join(c)) {
    while (next(&line)) room.say(*c, line);
    room.leave(c);
  }
  c->outbox.close();
  writing.wait();
}

int serve(int port, StopSignal& stop) {
  auto [listener, err] =
      netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(static_cast<uint16_t>(port)));
  if (err) {
    std::fprintf(stderr, "chat_server: %s\n", err.message().c_str());
    return 1;
  }
  std::printf("listening on %s\n", listener.addr().to_string().c_str());
  std::fflush(stdout);
  Room room;
  OpenConnections connections;
  netpoll::WaitGroup accepting;
  accepting.go([&, l = listener]() mutable {
    for (;;) {
      auto [conn, e] = l.accept();
      if (e.code() == netpoll::Errc::net_closing) return;
      if (e) {
        netpoll::sleep_for(10ms);  // out of descriptors: let some close
        continue;
      }
      connections.serve(std::move(conn),
                        [&](netpoll::TcpConn& c) { converse(room, connections, c); });
    }
  });
  const netpoll::Error failed = stop.wait();
  if (failed) std::fprintf(stderr, "chat_server: %s\n", failed.message().c_str());
  (void)listener.close();
  accepting.wait();  // or a connection could come after drain has looked
  room.stop();
  connections.drain();
  std::printf("stopped\n");
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  if (argc != 2 || !parse_number(argv[1], 0, 65535, &port)) {
    std::fprintf(stderr, "usage: chat_server PORT\n");
    return 2;
  }
  StopSignal stop;
  int status = 0;
  netpoll::Runtime runtime;
  runtime.run([&] { status = serve(port, stop); });
  return status;
}
