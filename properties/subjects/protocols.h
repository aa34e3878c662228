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

// A goroutine reads two messages; the main thread writes each and delivers its event.
void pollux_protocol_messages(void (*ready)());

// A goroutine reads two events, which the main thread makes and delivers, while one thread sets a
// read deadline that is over at once and moves it by an hour. Nothing else ends a wait.
void pollux_protocol_event(void (*ready)());

// One goroutine waits to read and one to write, and nothing comes: the deadline of writes expires,
// that of reads is set to the past. Nothing else ends a wait.
void pollux_protocol_expiry(void (*ready)());

// One goroutine waits to read under a deadline that is over at once, for both directions; another
// moves that of writes, then that of reads, by an hour; the main thread runs the due timers, and
// closes at the end.
void pollux_protocol_deadlines(void (*ready)());

// A descriptor with an event and a deadline due: one thread polls and runs the timers, the main
// thread closes the descriptor and registers another one, which gets the same poll_desc.
void pollux_protocol_reuse(void (*ready)());

// A poll_fd: one goroutine reads, and then opens another descriptor; one sets a deadline; one
// closes.
void pollux_protocol_pollfd(void (*ready)());

// Two goroutines read under the read lock of an fd_mutex, one thread closes; the last one destroys.
void pollux_protocol_fdmutex(void (*ready)());

// Two threads make work visible and wake the poller, one of them twice, the other between two polls
// that do not block; the main thread takes the work and blocks in the poller while there is none.
void pollux_protocol_break(void (*ready)());
}
