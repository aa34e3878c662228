// SPDX-License-Identifier: MIT
//
// The workload as a Boost.Asio program: one io_context, one or two threads in it, stackful
// coroutines. All that is done to one socket is done on one strand, as Asio asks for.
//
// Asio has no deadlines of its own. As its users do, a steady_timer cancels the operation when it
// expires. A deadline belongs to a direction of a socket and stays until it is changed, as in
// netpoll, so that both subjects mean the same by the same workload:
//
//   expires()  set by the timer's handler, on the strand: marks the direction and cancels what
//   waits set()      unmarks; cancels the timer, and a handler that is on its way already is
//   recognised by
//              its generation
//   an operation that was cancelled but finds neither mark nor close (the deadline moved in
//   between) starts again
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/spawn.hpp>
#include <memory>
#include <optional>
#include <thread>

#ifdef POLLUX_FIXED_HEAP
#include "subjects/fixed_heap.h"
#endif
#include "subjects/script.h"
#include "subjects/subject.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace pollux::properties;

struct Task {
  asio::yield_context yield;
};

// One direction of a socket: the operations that wait in it, and its deadline.
class Direction : public std::enable_shared_from_this<Direction> {
 public:
  explicit Direction(const asio::any_io_executor& strand) : timer_(strand) {}

  bool expired() const { return expired_; }

  void set(Clock::time_point due) {
    ++generation_;
    expired_ = false;
    timer_.cancel();
    if (due == Clock::time_point{}) return;
    if (due <= Clock::now()) return expire();
    timer_.expires_at(due);
    timer_.async_wait([self = shared_from_this(), generation = generation_](error_code error) {
      if (!error && generation == self->generation_) self->expire();
    });
  }

  // Runs `start(token)` with a token that expiry cancels; its error goes into the yield context.
  template <class Start>
  auto run(asio::yield_context yield, error_code& error, Start start) {
    asio::cancellation_signal signal;
    waiting_.push_back(&signal);
    auto result = start(asio::bind_cancellation_slot(signal.slot(), yield[error]));
    std::erase(waiting_, &signal);
    return result;
  }

 private:
  void expire() {
    expired_ = true;
    for (asio::cancellation_signal* signal : waiting_)
      signal->emit(asio::cancellation_type::terminal);
  }

  asio::steady_timer timer_;
  uint64_t generation_ = 0;
  bool expired_ = false;
  std::vector<asio::cancellation_signal*> waiting_;
};

Seen seen(error_code error, size_t n = 0) {
  if (!error) return {Kind::ok, 0, n};
  if (error == asio::error::eof) return {Kind::eof, 0, n};
  if (error.category() == boost::system::system_category()) return {Kind::system, error.value(), n};
  return {Kind::other, 0, n};
}

struct Socket {
  explicit Socket(const asio::any_io_executor& strand)
      : socket(strand),
        reads(std::make_shared<Direction>(strand)),
        writes(std::make_shared<Direction>(strand)) {}

  tcp::socket socket;
  bool closed = false;
  std::shared_ptr<Direction> reads, writes;
};

struct Conn {
  std::shared_ptr<Socket> s;

  Seen read(Task& task, char* bytes, size_t n) {
    for (;;) {
      if (s->closed) return {Kind::closed};
      if (s->reads->expired()) return {Kind::deadline};
      error_code error;
      size_t got = s->reads->run(task.yield, error, [&](auto token) {
        return s->socket.async_read_some(asio::buffer(bytes, n), token);
      });
      if (!cancelled(error)) return seen(error, got);
    }
  }
  Seen write(Task& task, const char* bytes, size_t n) {
    size_t done = 0;
    for (;;) {
      if (s->closed) return {Kind::closed, 0, done};
      if (s->writes->expired()) return {Kind::deadline, 0, done};
      error_code error;
      done += s->writes->run(task.yield, error, [&](auto token) {
        return asio::async_write(s->socket, asio::buffer(bytes + done, n - done), token);
      });
      if (!cancelled(error)) return seen(error, done);
    }
  }
  Seen close(Task&) {
    if (s->closed) return {Kind::closed};
    s->closed = true;
    s->reads->set({});
    s->writes->set({});
    error_code error;
    s->socket.close(error);
    return seen(error);
  }
  Seen close_read(Task&) { return shutdown(tcp::socket::shutdown_receive); }
  Seen close_write(Task&) { return shutdown(tcp::socket::shutdown_send); }
  Seen set_deadline(Task&, Clock::time_point due) {
    Seen first = set(*s->reads, due);
    return first.kind == Kind::ok ? set(*s->writes, due) : first;
  }
  Seen set_read_deadline(Task&, Clock::time_point due) { return set(*s->reads, due); }
  Seen set_write_deadline(Task&, Clock::time_point due) { return set(*s->writes, due); }

 private:
  // Look again why. A composed operation that was between two steps when the socket was closed
  // finds a bad descriptor.
  bool cancelled(error_code error) const {
    return error == asio::error::operation_aborted ||
           (s->closed && error == asio::error::bad_descriptor);
  }
  Seen shutdown(tcp::socket::shutdown_type how) {
    if (s->closed) return {Kind::closed};
    error_code error;
    s->socket.shutdown(how, error);
    return seen(error);
  }
  Seen set(Direction& direction, Clock::time_point due) {
    if (s->closed) return {Kind::closed};
    direction.set(due);
    return {};
  }
};

class Listener {
 public:
  Listener() = default;

  Seen open(Task& task, asio::io_context& io) {
    asio::any_io_executor strand = task.yield.get_executor();
    io_ = &io;
    acceptor_.emplace(strand);
    accepts_ = std::make_shared<Direction>(strand);
    error_code error;
    acceptor_->open(tcp::v4(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind({asio::ip::address_v4::loopback(), 0}, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (!error) endpoint_ = acceptor_->local_endpoint(error);
    return seen(error);
  }
  Seen accept(Task& task, Conn& conn) {
    for (;;) {
      if (closed_) return {Kind::closed};
      if (accepts_->expired()) return {Kind::deadline};
      auto accepted = std::make_shared<Socket>(asio::make_strand(*io_));
      error_code error;
      accepts_->run(task.yield, error, [&](auto token) {
        acceptor_->async_accept(accepted->socket, token);
        return 0;
      });
      if (error == asio::error::operation_aborted) continue;
      if (!error) {
        error_code ignored;  // a connection that was reset meanwhile
        accepted->socket.set_option(tcp::no_delay(true), ignored);
        conn.s = std::move(accepted);
      }
      return seen(error);
    }
  }
  Seen set_deadline(Task&, Clock::time_point due) {
    if (closed_) return {Kind::closed};
    accepts_->set(due);
    return {};
  }
  Seen close(Task&) {
    closed_ = true;
    accepts_->set({});
    error_code error;
    acceptor_->close(error);
    return seen(error);
  }
  tcp::endpoint endpoint() const { return endpoint_; }

 private:
  asio::io_context* io_ = nullptr;
  std::optional<tcp::acceptor> acceptor_;
  std::shared_ptr<Direction> accepts_;
  tcp::endpoint endpoint_;
  bool closed_ = false;
};

// One waiter. The channel holds at most one message; it says "look again".
class Group {
 public:
  explicit Group(asio::io_context& io) : changed_(io, 1) {}

  void add(int n) { count_ += n; }
  void done() {
    if (--count_ == 0) changed_.try_send(error_code());
  }
  void wait(Task& task) {
    error_code ignored;
    while (count_ != 0) changed_.async_receive(task.yield[ignored]);
  }

 private:
  std::atomic<int> count_ = 0;
  asio::experimental::concurrent_channel<void(error_code)> changed_;
};

struct Net {
  using Task = ::Task;
  using Conn = ::Conn;
  using Listener = ::Listener;
  using Group = ::Group;

  asio::io_context& io;

  Seen listen(Task& task, Listener& listener) { return listener.open(task, io); }
  Seen dial(Task& task, const Listener& listener, Conn& conn) {
    auto dialled = std::make_shared<Socket>(task.yield.get_executor());
    error_code error;
    dialled->socket.async_connect(listener.endpoint(), task.yield[error]);
    if (error) return seen(error);
    error_code ignored;
    dialled->socket.set_option(tcp::no_delay(true), ignored);
    conn.s = std::move(dialled);
    return {};
  }
  std::shared_ptr<Group> make_group() { return std::make_shared<Group>(io); }
  template <class F>
  void go(Task&, F f) {
    spawn(asio::make_strand(io), std::move(f));
  }
  template <class F>
  void go_beside(Task& task, F f) {
    spawn(task.yield.get_executor(), std::move(f));
  }
  template <class F>
  void go_with(Task&, Conn& conn, F f) {
    spawn(conn.s->socket.get_executor(), std::move(f));
  }
  void sleep(Task& task, std::chrono::microseconds time) {
    asio::steady_timer timer(task.yield.get_executor(), time);
    error_code ignored;
    timer.async_wait(task.yield[ignored]);
  }
  template <class F>
  void spawn(asio::any_io_executor strand, F f) {
    asio::spawn(
        strand,
        [f = std::move(f)](asio::yield_context yield) {
          Task task{yield};
          f(task);
        },
        asio::detached);
  }
};

}  // namespace

extern "C" void pollux_subject_asio(const Workload* workload, Referee* referee) {
#ifdef POLLUX_FIXED_HEAP
  reset_fixed_heap();
#endif
  asio::io_context io(static_cast<int>(workload->workers));
  asio::steady_timer poller(io);  // the first I/O object makes the reactor
  referee->ready();
  Net net{io};
  Script<Net> script(net, *workload, *referee);
  net.spawn(asio::make_strand(io), [&](Task& task) { script.main(task); });
  std::vector<std::thread> others;
  for (unsigned i = 1; i < workload->workers; ++i) others.emplace_back([&] { io.run(); });
  io.run();
  for (std::thread& other : others) other.join();
}
