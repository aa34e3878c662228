// SPDX-License-Identifier: MIT
// Built on Boost.Context's jump_fcontext. A jump hands the target one pointer and the context it
// came from; towards a goroutine the pointer is the worker that runs it, so that no thread-local
// variable is read after a jump.
#include "src/context.h"

#include <boost/context/detail/fcontext.hpp>
#include <utility>

#include "src/current.h"
#include "src/worker.h"

namespace netpoll {

namespace bc = boost::context::detail;

namespace {

// A goroutine has just got control: remember how to get back, wherever "back" is this time.
void arrive(g* gp, bc::transfer_t from) {
  worker* w = static_cast<worker*>(from.data);
  sanitizer_enter(gp->sanitizer, &w->sanitizer);
  w->context = from.fctx;
}

// Nearly always there is nothing to exchange: goroutines seldom wait inside a catch block.
void exchange(exception_state& thread, exception_state& own) {
  if (thread.caught || thread.uncaught || own.caught || own.uncaught) std::swap(thread, own);
}

void trampoline(bc::transfer_t from) {
  g* gp = static_cast<worker*>(from.data)->current;
  arrive(gp, from);
  gp->start(gp);
  __builtin_unreachable();
}

// Stacks begin at pages, so the hot lines of all parked goroutines would share a few sets of the
// first cache. Neighbours start two lines apart instead; within half a page, so that a goroutine
// which waits in a shallow call still touches one page.
size_t colour(const g* gp) { return gp->id % 16 * 128; }

}  // namespace

void context_prepare(g* gp, void (*entry)(g*) noexcept) {
  gp->start = entry;
  const size_t unused = colour(gp);
  gp->context = bc::make_fcontext(static_cast<char*>(gp->stk.top()) - unused,
                                  gp->stk.size() - unused, trampoline);
  sanitizer_fiber_create(gp->sanitizer, gp->stk.bottom(), gp->stk.size());
}

void switch_to_g(worker& w, g* gp) {
  exchange(*w.exceptions, gp->exceptions);
  sanitizer_leave(w.sanitizer, gp->sanitizer, false);
  const bc::transfer_t from = bc::jump_fcontext(gp->context, &w);
  sanitizer_enter(w.sanitizer, nullptr);
  gp->context = from.fctx;
  exchange(*w.exceptions, gp->exceptions);
}

void switch_to_worker(g* gp) {
  worker* w = current_worker();
  sanitizer_leave(gp->sanitizer, w->sanitizer, gp->request == g_request::end);
  arrive(gp, bc::jump_fcontext(w->context, nullptr));
}

}  // namespace netpoll
