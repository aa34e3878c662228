// SPDX-License-Identifier: MIT
// asio_echo_server PORT [THREADS]: the same echo server on Boost.Asio.
#include <array>
#include <boost/asio.hpp>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "arguments.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(buf_),
                            [self = shared_from_this()](boost::system::error_code err, size_t n) {
                              if (!err) self->write(n);
                            });
  }

 private:
  void write(size_t n) {
    asio::async_write(socket_, asio::buffer(buf_, n),
                      [self = shared_from_this()](boost::system::error_code err, size_t) {
                        if (!err) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, 16 * 1024> buf_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](boost::system::error_code err, tcp::socket socket) {
    if (!err) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const char* usage = "asio_echo_server PORT [THREADS]";
  const int port = bench::number(argc, argv, 1, 1, 65535, bench::required, usage);
  const int threads = bench::number(argc, argv, 2, 1, 1024, 1, usage);
  asio::io_context io(threads);
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)});
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  accept(acceptor);
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; i++) others.emplace_back([&io] { io.run(); });
  io.run();
}
