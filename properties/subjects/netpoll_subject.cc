// SPDX-License-Identifier: MIT
//
// The workload as a netpoll program.
#include <netpoll/go.h>
#include <netpoll/net.h>
#include <netpoll/runtime.h>
#include <netpoll/sync.h>

#include <cstddef>

#include "src/poll_desc.h"
#include "subjects/script.h"
#include "subjects/subject.h"

namespace {

using namespace pollux::properties;

Seen seen(const netpoll::Error& error, size_t n = 0) {
  switch (error.code()) {
    case netpoll::Errc::none:
      return {Kind::ok, 0, n};
    case netpoll::Errc::eof:
      return {Kind::eof, 0, n};
    case netpoll::Errc::net_closing:
      return {Kind::closed, 0, n};
    case netpoll::Errc::deadline_exceeded:
      return {Kind::deadline, 0, n};
    case netpoll::Errc::sys:
      return {Kind::system, error.sys_errno(), n};
    default:
      return {Kind::other, 0, n};
  }
}

Seen seen(const netpoll::IoResult& result) { return seen(result.err, result.n); }

// A goroutine needs nothing passed along.
struct Task {};

struct Conn {
  netpoll::TcpConn conn;

  Seen read(Task&, char* bytes, size_t n) { return seen(conn.read(bytes, n)); }
  Seen write(Task&, const char* bytes, size_t n) { return seen(conn.write(bytes, n)); }
  Seen close(Task&) { return seen(conn.close()); }
  Seen close_read(Task&) { return seen(conn.close_read()); }
  Seen close_write(Task&) { return seen(conn.close_write()); }
  Seen set_deadline(Task&, Clock::time_point t) { return seen(conn.set_deadline(t)); }
  Seen set_read_deadline(Task&, Clock::time_point t) { return seen(conn.set_read_deadline(t)); }
  Seen set_write_deadline(Task&, Clock::time_point t) { return seen(conn.set_write_deadline(t)); }
};

struct Listener {
  netpoll::TcpListener listener;

  Seen accept(Task&, Conn& conn) {
    netpoll::Result<netpoll::TcpConn> result = listener.accept();
    conn.conn = std::move(result.value);
    return seen(result.err);
  }
  Seen set_deadline(Task&, Clock::time_point t) { return seen(listener.set_deadline(t)); }
  Seen close(Task&) { return seen(listener.close()); }
};

struct Group {
  netpoll::WaitGroup group;

  void add(int n) { group.add(n); }
  void done() { group.done(); }
  void wait(Task&) { group.wait(); }
};

struct Net {
  using Task = ::Task;
  using Conn = ::Conn;
  using Listener = ::Listener;
  using Group = ::Group;

  Seen listen(Task&, Listener& listener) {
    netpoll::Result<netpoll::TcpListener> result =
        netpoll::listen_tcp(netpoll::Ipv4Endpoint::loopback(0));
    listener.listener = std::move(result.value);
    return seen(result.err);
  }
  Seen dial(Task&, const Listener& listener, Conn& conn) {
    netpoll::Result<netpoll::TcpConn> result = netpoll::dial_tcp(listener.listener.addr());
    conn.conn = std::move(result.value);
    return seen(result.err);
  }
  std::shared_ptr<Group> make_group() { return std::make_shared<Group>(); }
  template <class F>
  void go(Task&, F f) {
    netpoll::go([f = std::move(f)] {
      Task task;
      f(task);
    });
  }
  template <class F>
  void go_beside(Task& task, F f) {
    go(task, std::move(f));
  }
  template <class F>
  void go_with(Task& task, Conn&, F f) {
    go(task, std::move(f));
  }
  void sleep(Task&, std::chrono::microseconds time) { netpoll::sleep_for(time); }
};

}  // namespace

extern "C" void pollux_subject_netpoll(const Workload* workload, Referee* referee) {
  netpoll::RuntimeOptions options;
  options.workers = static_cast<int>(workload->workers);
  options.poll_descs_max = 256;
  netpoll::Runtime runtime(options);
  netpoll::PollDescRegion region = runtime.poll_desc_region();
  referee->watch({.base = region.base,
                  .stride = region.stride,
                  .count = region.count_max,
                  .reader_offset = region.rg_offset,
                  .writer_offset = region.wg_offset,
                  .fd_offset = offsetof(netpoll::poll_desc, fd)});
  referee->ready();
  // Both outlive main: the server's goroutines still use them.
  Net net;
  Script<Net> script(net, *workload, *referee);
  runtime.run([&] {
    Task task;
    script.main(task);
  });
  const netpoll::RuntimeCounters counters = runtime.counters();
  referee->at_rest("goroutines waiting for a descriptor", counters.netpoll_waiters);
  referee->at_rest("descriptors registered", counters.live_poll_descs);
  referee->at_rest("goroutines", counters.live_goroutines);
}
