// SPDX-License-Identifier: MIT
// Contexts, as in Go: the news that somebody does not want the result any more, passed down a tree.
//
// A Context is a handle; copies name the same context. It is done when it was cancelled, when its
// deadline passed, or when its parent is done; then done() is closed and err() says why. All calls
// may come from any thread, but those that need a timer or a goroutine (with_deadline,
// with_timeout, after_func) must be made inside a goroutine.
//
// A child that nobody holds any more is forgotten by its parent, whether it was cancelled or not.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "netpoll/channel.h"
#include "netpoll/error.h"
#include "netpoll/time.h"

namespace netpoll {

namespace detail {
class context_state;
class context_hook;
}  // namespace detail

class Context {
 public:
  // Never done; the root. So is a default Context.
  static Context background() { return Context(); }
  Context() = default;

  // Closed when the context is done. Nil for background().
  Receiver<Unit> done() const;
  // Errc::none; Errc::canceled; or Errc::timeout if a deadline passed.
  Error err() const;
  // What was given to the CancelFunc that ended this context or one above it, else err().
  Error cause() const;
  std::optional<Instant> deadline() const;

 private:
  friend class CancelFunc;
  friend class ContextHook;
  friend class context_watch;
  friend struct CancellableContext with_cancel(const Context& parent);
  friend struct CancellableContext with_deadline(const Context& parent, Instant t);
  friend class ContextHook after_func(const Context& c, std::function<void()> fn);
  explicit Context(std::shared_ptr<detail::context_state> s) : state_(std::move(s)) {}

  std::shared_ptr<detail::context_state> state_;
};

// Ends a context, and all below it. Later calls have no effect.
class CancelFunc {
 public:
  void operator()(Error cause = Error()) const;

 private:
  friend struct CancellableContext with_cancel(const Context& parent);
  friend struct CancellableContext with_deadline(const Context& parent, Instant t);
  explicit CancelFunc(const Context& c) : state_(c.state_) {}
  std::shared_ptr<detail::context_state> state_;
};

//   auto [ctx, cancel] = with_timeout(parent, 5s);
struct CancellableContext {
  Context context;
  CancelFunc cancel;
};

CancellableContext with_cancel(const Context& parent);
// The earlier of `t` and the parent's deadline counts.
CancellableContext with_deadline(const Context& parent, Instant t);
CancellableContext with_timeout(const Context& parent, std::chrono::nanoseconds d);

// Runs `fn` in a goroutine of its own when the context is done; at once if it is. Dropping the
// result does not undo it.
class ContextHook {
 public:
  // True if `fn` has not been started, and will not be. Does not wait for one that was.
  bool stop();

 private:
  friend ContextHook after_func(const Context& c, std::function<void()> fn);
  std::shared_ptr<detail::context_state> state_;
  std::shared_ptr<detail::context_hook> hook_;
};
ContextHook after_func(const Context& c, std::function<void()> fn);

}  // namespace netpoll
