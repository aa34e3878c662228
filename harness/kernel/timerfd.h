// SPDX-License-Identifier: MIT
//
// timerfd_create(2).
//
// As in Linux, a periodic timer stops when it fires and goes on when somebody reads or looks
// (timerfd_read, timerfd_get_remaining): it raises one edge until then. Ticks that passed meanwhile
// are counted from the clock.
#pragma once

#include <sys/timerfd.h>

#include "kernel/file.h"

namespace pollux::kernel {

class TimerFd final : public File {
 public:
  TimerFd() : File(Kind::timerfd) {}
  static TimerFd* create(unsigned host, int clock);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return "timerfd"; }
  std::string describe() override;

  void set(int flags, const itimerspec& value, itimerspec* old);
  void get(itimerspec* value);
  // What is in the timeline comes to nothing.
  void stop() { ++setting_; }

 private:
  void arm();
  void catch_up();

  int clock_ = 0;
  int64_t next_ = 0;  // run time of the next tick; meaningless when neither armed nor fired
  int64_t interval_ = 0;
  uint64_t ticks_ = 0;
  bool armed_ = false;
  bool fired_ = false;  // a tick came and the periodic timer waits to be restarted
  uint64_t setting_ = 0;
};

}  // namespace pollux::kernel
