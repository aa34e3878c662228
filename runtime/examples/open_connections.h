// SPDX-License-Identifier: MIT
// The connections of a server that wants to end: who is still there, and how to hurry them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "netpoll/go.h"
#include "netpoll/sync.h"
#include "netpoll/tcp.h"

class OpenConnections {
 public:
  // Serves `conn` in a goroutine of its own, and closes it afterwards.
  template <class Serve>
  void serve(netpoll::TcpConn conn, Serve serve) {
    uint64_t key;
    {
      std::lock_guard<std::mutex> hold(lock_);
      key = next_++;
      conns_.emplace(key, conn);
    }
    running_.add(1);
    netpoll::go([this, key, conn = std::move(conn), serve = std::move(serve)]() mutable {
      serve(conn);
      (void)conn.close();
      {
        std::lock_guard<std::mutex> hold(lock_);
        conns_.erase(key);
      }
      running_.done();
    });
  }

  bool draining() const { return draining_.load(); }

  // From here on draining() holds; whoever waits to read is woken (its deadline has passed), and
  // whoever sets a deadline and then asks draining() can not miss it. Waits until all have ended.
  void drain() {
    draining_.store(true);
    {
      std::lock_guard<std::mutex> hold(lock_);
      const auto past = std::chrono::steady_clock::now() - std::chrono::hours(1);
      for (auto& [key, conn] : conns_) (void)conn.set_read_deadline(past);
    }
    running_.wait();
  }

 private:
  std::atomic<bool> draining_{false};
  std::mutex lock_;  // never held while a goroutine waits
  uint64_t next_ = 0;
  std::map<uint64_t, netpoll::TcpConn> conns_;  // in the order in which they came
  netpoll::WaitGroup running_;
};
