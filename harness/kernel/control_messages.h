// SPDX-License-Identifier: MIT
//
// What goes through msg_control: descriptors that are passed over unix sockets (SCM_RIGHTS), and
// where a datagram came in (IP_PKTINFO).
#pragma once

#include <sys/socket.h>

#include "kernel/socket.h"

namespace pollux::kernel {

// __scm_send: the control messages of a msghdr, into the envelope.
long control_from(const msghdr&, Envelope*);
// scm_recv_unix: as many descriptors as fit get numbers; sets the length of what was written and
// the flag MSG_CTRUNC in the envelope.
void control_to(msghdr*, int flags, Envelope*);

}  // namespace pollux::kernel
