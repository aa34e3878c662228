// SPDX-License-Identifier: MIT
// From a socket, or the error that prevented it, to the handle that the user gets.
#pragma once

#include "src/dial_watch.h"
#include "src/scheduler.h"
#include "src/socket.h"

namespace netpoll {

template <class Handle>
Result<Handle> listen_handle(const network& net, const Address& at, const ListenConfig& config) {
  scheduler& s = scheduler::current("listen called outside a goroutine");
  std::shared_ptr<net_fd> fd;
  const Error err = listen_socket(s, net, at, config, &fd);
  if (err) return {{}, address_error(err, "listen", net, {}, at)};
  return {Handle(std::move(fd)), Error()};
}

template <class Handle>
Result<Handle> dial_handle(const network& net, const Address& to, const DialOptions& options) {
  scheduler& s = scheduler::current("dial called outside a goroutine");
  std::shared_ptr<net_fd> fd;
  dial_context context(options.context);
  const dial_limits limits{dial_deadline(options), options.canceller, &context};
  const Error err = dial_socket(s, net, to, options, limits, &fd);
  if (err) return {{}, address_error(err, "dial", net, options.local, to)};
  return {Handle(std::move(fd)), Error()};
}

template <class Handle>
Result<Handle> adopt_handle(int fd, std::initializer_list<network> networks, bool listener) {
  scheduler& s = scheduler::current("adopt called outside a goroutine");
  std::shared_ptr<net_fd> out;
  const Error err = adopt_socket(s, fd, networks, listener, &out);
  if (err) {
    return {{}, err.with_op("file", std::make_shared<OpContext>(OpContext{"file+net", {}, {}}))};
  }
  return {Handle(std::move(out)), Error()};
}

}  // namespace netpoll
