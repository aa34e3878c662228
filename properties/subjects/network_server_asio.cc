// SPDX-License-Identifier: MIT
//
// One io_context, one thread, a stackful coroutine per connection. A deadline is a steady_timer
// that cancels what the socket waits for.
#include <boost/asio.hpp>
#include <boost/asio/spawn.hpp>
#include <memory>

#ifdef POLLUX_FIXED_HEAP
#include "subjects/fixed_heap.h"
#endif
#include "subjects/network_server.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using pollux::properties::NetworkServer;
using Clock = NetworkServer::Clock;

// A deadline for what waits on a socket or an acceptor.
template <class Waiting>
class Deadline {
 public:
  explicit Deadline(std::shared_ptr<Waiting> waiting)
      : waiting_(std::move(waiting)),
        timer_(waiting_->get_executor()),
        state_(std::make_shared<State>()) {}
  ~Deadline() { clear(); }

  void set(Clock::time_point due) {
    clear();
    due_ = due;
    timer_.expires_at(due);
    timer_.async_wait([waiting = waiting_, state = state_, turn = state_->turn](error_code error) {
      if (error || turn != state->turn) return;
      state->passed = true;
      error_code ignored;
      waiting->cancel(ignored);
    });
  }
  void clear() {
    ++state_->turn;
    timer_.cancel();
  }
  bool passed() const { return state_->passed; }
  Clock::time_point due() const { return due_; }

 private:
  struct State {
    unsigned turn = 0;
    bool passed = false;
  };
  std::shared_ptr<Waiting> waiting_;
  asio::steady_timer timer_;
  std::shared_ptr<State> state_;  // what a handler that is on its way still looks at
  Clock::time_point due_;
};

void tell(const NetworkServer& server, const Deadline<tcp::socket>& deadline, error_code error) {
  if (deadline.passed()) {
    server.deadline_came(server.context, deadline.due(), Clock::now());
  } else if (error != asio::error::eof) {
    server.failed(server.context, error.value());
  }
}

void echo(const NetworkServer& server, std::shared_ptr<tcp::socket> socket,
          asio::yield_context yield) {
  Deadline<tcp::socket> deadline(socket);
  char buffer[4096];
  for (;;) {
    if (!server.forgets_deadline) deadline.set(Clock::now() + server.deadline);
    error_code error;
    size_t got = socket->async_read_some(asio::buffer(buffer), yield[error]);
    if (error) return tell(server, deadline, error);
    asio::async_write(*socket, asio::buffer(buffer, got), yield[error]);
    if (error) return tell(server, deadline, error);
  }
}

void serve(const NetworkServer& server, asio::io_context& io, asio::yield_context yield) {
  auto acceptor =
      std::make_shared<tcp::acceptor>(io, tcp::endpoint(tcp::v4(), server.port), /*reuse=*/true);
  Deadline<tcp::acceptor> deadline(acceptor);
  for (;;) {
    auto socket = std::make_shared<tcp::socket>(io);
    deadline.set(Clock::now() + server.idle);
    error_code error;
    acceptor->async_accept(*socket, yield[error]);
    if (error) return;
    asio::spawn(
        io, [&server, socket](asio::yield_context own) { echo(server, socket, own); },
        asio::detached);
  }
}

}  // namespace

extern "C" void pollux_network_server_asio(const NetworkServer* server) {
#ifdef POLLUX_FIXED_HEAP
  pollux::properties::reset_fixed_heap();
#endif
  asio::io_context io(1);
  asio::spawn(
      io, [&](asio::yield_context yield) { serve(*server, io, yield); }, asio::detached);
  io.run();
}
