// SPDX-License-Identifier: MIT
// How to connect: until when, from where, and how to stop.
#pragma once

#include <mutex>

#include "netpoll/conn.h"
#include "netpoll/context.h"

namespace netpoll {

// Ends dials early; any number of them. cancel() may be called from any thread, before, during or
// after; it is permanent.
class DialCanceller {
 public:
  DialCanceller() = default;
  DialCanceller(const DialCanceller&) = delete;
  DialCanceller& operator=(const DialCanceller&) = delete;

  void cancel();
  bool canceled() const;

 private:
  friend class dial_watch;
  mutable std::mutex lock_;
  bool canceled_ = false;
  class dial_watch* watches_ = nullptr;  // dials in progress
};

struct DialOptions {
  std::chrono::nanoseconds timeout{0};  // 0: none; < 0: already passed
  DialCanceller* canceller = nullptr;   // must outlive the dial
  Deadline deadline{};                  // {}: none; if there is a timeout too, the earlier holds
  Address local{};                      // where to dial from; none: the kernel's choice
  // With addresses of both families: when to start on the other family beside the first
  // ("Happy Eyeballs", RFC 6555). < 0: one after the other.
  std::chrono::nanoseconds fallback_delay = std::chrono::milliseconds(300);
  KeepAliveConfig keep_alive{};
  ControlHook control{};
  // Its end ends the dial, with its err(): Errc::canceled, or Errc::timeout if a deadline passed.
  Context context{};
};

}  // namespace netpoll
