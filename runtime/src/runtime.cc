// SPDX-License-Identifier: MIT
#include "netpoll/runtime.h"

#include <utility>

#include "src/scheduler.h"

namespace netpoll {

Runtime::Runtime(RuntimeOptions options) : scheduler_(std::make_unique<scheduler>(options)) {}
Runtime::~Runtime() = default;

void Runtime::run(std::function<void()> main) { scheduler_->run(std::move(main)); }
int Runtime::workers() const { return scheduler_->worker_count(); }
PollDescRegion Runtime::poll_desc_region() const { return scheduler_->polls().region(); }
RuntimeCounters Runtime::counters() const { return scheduler_->counters(); }

}  // namespace netpoll
