// SPDX-License-Identifier: MIT
// A context knows its children as nodes on a list, without owning them; a child owns its parent. So
// what nobody holds goes away from the leaves up, and takes itself off its parent's list first. A
// parent that is being ended may meet such a child on its list: the child is still whole, because
// to go it needs the parent's lock.
//
// Whoever ends a context does so under its lock: sets the reason, closes done(), and tells all
// nodes, children with their own subtrees among them. Only then, without the lock, it stops the
// timer and leaves the parent's list.
//
// Lock order: a context's lock_ -> its children's lock_ -> channel_core::lock_, runtime_timer's
// locks, and what watches take (DialCanceller::lock_, poll_desc::lock). A timer's callback comes
// with no lock held.
#include "src/context_state.h"

#include <utility>

#include "src/clock.h"
#include "src/runtime_timer.h"
#include "src/scheduler.h"

namespace netpoll {

namespace detail {

class context_timer final : public runtime_timer {
 public:
  context_timer(scheduler& s, std::weak_ptr<context_state> c)
      : runtime_timer(s), context_(std::move(c)) {}

 private:
  void fire(uint64_t) override {
    if (auto c = context_.lock()) c->cancel(Error(Errc::timeout), Error());
  }
  const std::weak_ptr<context_state> context_;
};

context_state::context_state(std::shared_ptr<context_state> parent, std::optional<Instant> deadline)
    : parent_(std::move(parent)), deadline_(deadline) {}

context_state::~context_state() {
  if (parent_) (void)parent_->remove(*this);
  if (timer_) {
    timer_->stop();
    timer_->release();
  }
  while (context_node* node = pop()) node->parent_gone();
}

void context_state::attach(const std::shared_ptr<context_state>& self, bool own_deadline) {
  if (own_deadline) {
    const int64_t when = self->deadline_->time_since_epoch() / std::chrono::nanoseconds(1);
    if (when <= nanotime()) {
      self->cancel(Error(Errc::timeout), Error());
      return;
    }
    self->timer_ =
        new context_timer(scheduler::current("with_deadline called outside a goroutine"), self);
    self->timer_->reset(when, 0);
  }
  context_state* parent = self->parent_.get();
  if (parent && !parent->add(*self)) self->cancel(Error(parent->code()), parent->cause());
}

bool context_state::add(context_node& node) {
  std::lock_guard<std::mutex> hold(lock_);
  if (code_.load() != Errc::none) return false;
  node.next_ = nodes_;
  node.previous_ = nullptr;
  if (nodes_) nodes_->previous_ = &node;
  nodes_ = &node;
  node.linked_ = true;
  return true;
}

bool context_state::remove(context_node& node) {
  std::lock_guard<std::mutex> hold(lock_);
  if (!node.linked_) return false;
  node.linked_ = false;
  (node.previous_ ? node.previous_->next_ : nodes_) = node.next_;
  if (node.next_) node.next_->previous_ = node.previous_;
  return true;
}

context_node* context_state::pop() {
  context_node* node = nodes_;
  if (!node) return nullptr;
  nodes_ = node->next_;
  if (nodes_) nodes_->previous_ = nullptr;
  node->linked_ = false;
  return node;
}

void context_state::cancel(const Error& err, const Error& cause) {
  if (finish(err, cause) && parent_) (void)parent_->remove(*this);
}

// False if it was done before.
bool context_state::finish(const Error& err, const Error& cause) {
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (code_.load() != Errc::none) return false;
    cause_ = cause ? cause : err;
    code_.store(err.code());
    done_.close();
    while (context_node* node = pop()) node->parent_done(err, cause_);
  }
  if (timer_) timer_->stop();
  return true;
}

Error context_state::cause() const {
  std::lock_guard<std::mutex> hold(lock_);
  return cause_;
}

// A function that runs in its own goroutine. Owns itself while it is on the list.
class context_hook final : public context_node {
 public:
  context_hook(scheduler& s, std::function<void()> fn) : sched_(s), fn_(std::move(fn)) {}

  static void add(context_state& c, std::shared_ptr<context_hook> hook) {
    hook->self_ = hook;
    if (!c.add(*hook)) hook->parent_done(Error(), Error());
  }
  bool remove(context_state& c) {
    if (!c.remove(*this)) return false;
    self_.reset();  // the caller has another
    return true;
  }

 private:
  void parent_done(const Error&, const Error&) override {
    (void)sched_.spawn(std::move(fn_));
    self_.reset();
  }
  void parent_gone() override { self_.reset(); }

  scheduler& sched_;
  std::function<void()> fn_;
  std::shared_ptr<context_hook> self_;
};

namespace {

std::shared_ptr<context_state> make(std::shared_ptr<context_state> parent,
                                    std::optional<Instant> deadline) {
  std::optional<Instant> inherited;
  if (parent) inherited = parent->deadline();
  const bool own = deadline && (!inherited || *deadline < *inherited);
  auto c = std::make_shared<context_state>(std::move(parent), own ? deadline : inherited);
  context_state::attach(c, own);
  return c;
}

}  // namespace

}  // namespace detail

Receiver<Unit> Context::done() const { return state_ ? state_->done() : Receiver<Unit>(nullptr); }

Error Context::err() const {
  const Errc code = state_ ? state_->code() : Errc::none;
  return code == Errc::none ? Error() : Error(code);
}

Error Context::cause() const { return state_ ? state_->cause() : Error(); }

std::optional<Instant> Context::deadline() const {
  return state_ ? state_->deadline() : std::nullopt;
}

void CancelFunc::operator()(Error cause) const {
  if (state_) state_->cancel(Error(Errc::canceled), cause);
}

CancellableContext with_cancel(const Context& parent) {
  const Context c(detail::make(parent.state_, std::nullopt));
  return {c, CancelFunc(c)};
}

CancellableContext with_deadline(const Context& parent, Instant t) {
  const Context c(detail::make(parent.state_, t));
  return {c, CancelFunc(c)};
}

CancellableContext with_timeout(const Context& parent, std::chrono::nanoseconds d) {
  return with_deadline(parent,
                       Instant(std::chrono::nanoseconds(saturating_add(nanotime(), d.count()))));
}

ContextHook after_func(const Context& c, std::function<void()> fn) {
  scheduler& s = scheduler::current("after_func called outside a goroutine");
  ContextHook result;
  if (!c.state_) return result;  // never done
  result.state_ = c.state_;
  result.hook_ = std::make_shared<detail::context_hook>(s, std::move(fn));
  detail::context_hook::add(*result.state_, result.hook_);
  return result;
}

bool ContextHook::stop() { return !hook_ || hook_->remove(*state_); }

context_watch::context_watch(const Context& c, void (*fn)(void*), void* arg)
    : state_(c.state_), fn_(fn), arg_(arg) {
  if (state_ && !state_->add(*this)) {
    state_ = nullptr;
    ran_ = true;
    fn_(arg_);
  }
}

bool context_watch::stop() {
  if (const auto s = std::exchange(state_, nullptr)) ran_ = !s->remove(*this);
  return !ran_;
}

}  // namespace netpoll
