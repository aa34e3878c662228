// SPDX-License-Identifier: MIT
// The tree behind netpoll/context.h, and context_watch: the hook for the runtime's own waits.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "netpoll/context.h"

namespace netpoll {

class scheduler;

namespace detail {

// Something that wants to know when a context is done. Guarded by the context's lock.
class context_node {
 public:
  context_node() = default;
  context_node(const context_node&) = delete;
  context_node& operator=(const context_node&) = delete;

  // The context is done. Called once, with its lock held and the node off its list.
  virtual void parent_done(const Error& err, const Error& cause) = 0;
  // The context is gone and never was done; likewise.
  virtual void parent_gone() {}

 protected:
  ~context_node() = default;

 private:
  friend class context_state;
  context_node* next_ = nullptr;
  context_node* previous_ = nullptr;
  bool linked_ = false;
};

class context_timer;

class context_state final : public context_node {
 public:
  // `deadline` is the effective one. Call attach once it is in a shared_ptr.
  context_state(std::shared_ptr<context_state> parent, std::optional<Instant> deadline);
  ~context_state();

  static void attach(const std::shared_ptr<context_state>& self, bool own_deadline);

  void cancel(const Error& err, const Error& cause);
  // False if the context is done: then nothing was added.
  bool add(context_node& node);
  // False if it was not on the list.
  bool remove(context_node& node);

  Receiver<Unit> done() const { return done_; }
  Errc code() const { return code_.load(); }
  Error cause() const;
  std::optional<Instant> deadline() const { return deadline_; }

 private:
  void parent_done(const Error& err, const Error& cause) override { finish(err, cause); }
  bool finish(const Error& err, const Error& cause);
  context_node* pop();

  const std::shared_ptr<context_state> parent_;
  const std::optional<Instant> deadline_;
  const Channel<Unit> done_;
  context_timer* timer_ = nullptr;  // set by attach, before anybody else has the context
  std::atomic<Errc> code_{Errc::none};

  mutable std::mutex lock_;
  Error cause_;
  context_node* nodes_ = nullptr;
};

}  // namespace detail

// For waits that end early when a context is done: `fn` runs on the thread that ends the context,
// under the context's lock, so it must be short and must not touch contexts. It does not run
// once stop() has returned. Lives on the stack of the goroutine that waits; allocates nothing.
class context_watch final : private detail::context_node {
 public:
  // Runs fn(arg) at once if `c` is done.
  context_watch(const Context& c, void (*fn)(void*), void* arg);
  ~context_watch() { (void)stop(); }

  // True if `fn` was never run.
  bool stop();

 private:
  void parent_done(const Error&, const Error&) override { fn_(arg_); }

  // Null: stopped, or a context that is never done.
  std::shared_ptr<detail::context_state> state_;
  void (*const fn_)(void*);
  void* const arg_;
  bool ran_ = false;
};

}  // namespace netpoll
