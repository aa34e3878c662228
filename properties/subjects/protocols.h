// SPDX-License-Identifier: MIT
//
// Small programs over the protocols of the runtime, for complete exploration. Each does what its
// comment says, checks what must hold with pollux::fail, and returns.
//
// `ready` is called once the program has what it needs: failures to get it are not the subject.
#pragma once

extern "C" {

// A descriptor with data to come: a goroutine reads until an error; the main thread delivers the
// data and the due timers; one thread sets a read deadline that is over at once and extends it by
// an hour; one closes.
void pollux_protocol_polldesc(void (*ready)());
// The same with a park that does not look again (planted/netpoll-no-recheck.patch).
void pollux_protocol_polldesc_no_recheck(void (*ready)());
// The same with a close that only stores what it publishes
// (planted/polldesc-release-publish.patch).
void pollux_protocol_polldesc_release_publish(void (*ready)());

// A goroutine reads two messages; the main thread writes each and delivers its event.
void pollux_protocol_messages(void (*ready)());
// The same with a reader that consumes readiness by a store (planted/messages-plain-consume.patch).
void pollux_protocol_messages_plain_consume(void (*ready)());

// Two goroutines read under the read lock of an fd_mutex, one thread closes; the last one destroys.
void pollux_protocol_fdmutex(void (*ready)());
// The same with a close that leaves those who wait for the lock
// (planted/fdmutex-forgets-waiters.patch).
void pollux_protocol_fdmutex_forgets_waiters(void (*ready)());

// Two threads make work visible and wake the poller, one of them twice, the other after a poll that
// does not block; the main thread takes the work and blocks in the poller while there is none.
void pollux_protocol_break(void (*ready)());
// The same with a poller that clears wake_sig before it drains (planted/break-clears-first.patch).
void pollux_protocol_break_clears_first(void (*ready)());
}
