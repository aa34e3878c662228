// SPDX-License-Identifier: MIT
//
// A server for `pollux exec --client`: echoes on 127.0.0.1:7000, one connection after the other,
// with the flaw that its argument names. Knows nothing of Pollux.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <string>

namespace {

std::string flaw;

int listen_on(uint16_t port) {
  int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool listens = ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                 ::listen(listener, 16) == 0;
  if (!listens) std::exit(9);
  return listener;
}

// Returns when the peer is done.
void echo(int connection) {
  char buffer[256];
  for (ssize_t size; (size = ::read(connection, buffer, sizeof buffer)) > 0;) {
    if (flaw == "mute") continue;
    if (flaw == "shouts") {
      for (ssize_t i = 0; i < size; ++i)
        buffer[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(buffer[i])));
    }
    for (ssize_t sent = 0; sent < size;) {
      ssize_t more =
          ::send(connection, buffer + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
      if (more < 0) return;
      sent += more;
    }
    if (flaw == "hangs-up") return;
  }
}

// Waits for an edge that was there already.
void miss_the_edge(int connection) {
  int set = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ::epoll_ctl(set, EPOLL_CTL_ADD, connection, &event);
  ::epoll_wait(set, &event, 1, -1);
  ::epoll_wait(set, &event, 1, -1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) flaw = argv[1];
  int listener = listen_on(7000);
  while (true) {
    int connection = ::accept(listener, nullptr, nullptr);
    if (connection < 0) continue;
    if (flaw == "misses") miss_the_edge(connection);
    echo(connection);
    ::close(connection);
    if (flaw == "leaves") return 0;
  }
}
