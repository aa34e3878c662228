// SPDX-License-Identifier: MIT
#include "subjects/asio_echo.h"

#include <boost/asio.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](error_code error, size_t n) {
                              if (!error) self->write(n);
                            });
  }

 private:
  void write(size_t n) {
    asio::async_write(socket_, asio::buffer(buffer_, n),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  char buffer_[4096];
};

class Server {
 public:
  explicit Server(asio::io_context& io) : acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
    accept();
  }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Session>(std::move(socket))->read();
      accept();
    });
  }

  tcp::acceptor acceptor_;
};

class Client {
 public:
  Client(asio::io_context& io, int id, int rounds, size_t bytes, std::function<void()> at_end)
      : socket_(io),
        id_(id),
        rounds_max_(rounds),
        at_end_(std::move(at_end)),
        sent_(bytes),
        got_(bytes) {}

  void start(const tcp::endpoint& server) {
    socket_.async_connect(server, [this](error_code error) {
      if (error) return end("connect", error);
      round();
    });
  }
  bool succeeded() const { return succeeded_; }

 private:
  void round() {
    if (rounds_ == rounds_max_) {
      succeeded_ = true;
      return end(nullptr, {});
    }
    for (size_t i = 0; i < sent_.size(); ++i)
      sent_[i] = static_cast<char>(id_ * 31 + rounds_ * 7 + static_cast<int>(i));
    asio::async_write(socket_, asio::buffer(sent_), [this](error_code error, size_t) {
      if (error) return end("write", error);
      asio::async_read(socket_, asio::buffer(got_), [this](error_code error, size_t) {
        if (error) return end("read", error);
        if (got_ != sent_) return end("compare", asio::error::invalid_argument);
        ++rounds_;
        round();
      });
    });
  }
  void end(const char* what, error_code error) {
    if (what)
      std::fprintf(stderr, "client %d, round %d, %s: %s\n", id_, rounds_, what,
                   error.message().c_str());
    error_code ignored;
    socket_.close(ignored);
    at_end_();
  }

  tcp::socket socket_;
  int id_;
  int rounds_max_;
  std::function<void()> at_end_;
  std::vector<char> sent_, got_;
  int rounds_ = 0;
  bool succeeded_ = false;
};

}  // namespace

int asio_echo(int client_count, int rounds, size_t message_bytes) {
  asio::io_context io;
  Server server(io);
  int running = client_count;
  std::vector<std::unique_ptr<Client>> clients;
  for (int id = 0; id < client_count; ++id) {
    clients.push_back(std::make_unique<Client>(io, id, rounds, message_bytes, [&] {
      if (--running == 0) server.stop();
    }));
    clients.back()->start(server.endpoint());
  }
  io.run();
  int failed = 0;
  for (const auto& client : clients) failed += client->succeeded() ? 0 : 1;
  return failed;
}
