// SPDX-License-Identifier: MIT
// Waiting on several channels at once, as Go's select statement.
//
//   Received<Job> job;
//   switch (select(receive(jobs, job), send(results, 42), receive(context.done()))) {
//     case 0: ...job.value, job.ok...
//     case 1: ...sent...
//     case 2: ...
//   }
//
// If several cases can go on, one is picked at random, so that none starves; the random numbers
// come from the worker, seeded so that runs repeat. A send on a closed channel aborts if it is
// picked. Cases on nil channels are never picked.
#pragma once

#include <concepts>
#include <span>
#include <type_traits>

#include "netpoll/channel.h"

namespace netpoll {

// One case of one select. It refers to the channel handle and to the variables it was made from,
// which must outlive the select.
class [[nodiscard]] SelectCase {
 public:
  SelectCase(detail::channel_core* core, bool sends, void* element, bool* ok)
      : core_(core), element_(element), ok_(ok), sends_(sends) {}

 private:
  friend class detail::select_operation;

  detail::channel_core* core_;
  void* element_;
  bool* ok_;
  bool sends_;
  detail::channel_waiter waiter_;
  // Slots of two arrays of cases that live spread over the cases: in the order in which they are
  // tried, and in the order in which their channels are locked.
  SelectCase* tried_ = nullptr;
  SelectCase* locked_ = nullptr;
};

// Receives into `into`.
template <class C>
requires(C::can_receive) SelectCase receive(const C& c, Received<typename C::value_type>& into) {
  return SelectCase(c.core(), false, &into.value, &into.ok);
}

// Receives and drops the value.
template <class C>
requires(C::can_receive) SelectCase receive(const C& c) {
  return SelectCase(c.core(), false, nullptr, nullptr);
}

// Sends `value`, which is moved from only if this case is picked. A temporary lives long enough if
// the case is made in the call of select.
template <class C>
requires(C::can_send) SelectCase send(const C& c, typename C::value_type&& value) {
  return SelectCase(c.core(), true, &value, nullptr);
}

// Waits until one case can go on, does it, and returns its index. Waits for ever if there is none.
int select(std::span<SelectCase> cases);
// The same without waiting (Go's default case): -1 if no case can go on. Any thread.
int try_select(std::span<SelectCase> cases);

template <std::same_as<SelectCase>... Cases>
int select(Cases... cases) {
  if constexpr (sizeof...(cases) == 0) {
    return select(std::span<SelectCase>{});
  } else {
    SelectCase array[] = {cases...};
    return select(std::span<SelectCase>(array));
  }
}

template <std::same_as<SelectCase>... Cases>
requires(sizeof...(Cases) > 0) int try_select(Cases... cases) {
  SelectCase array[] = {cases...};
  return try_select(std::span<SelectCase>(array));
}

}  // namespace netpoll
