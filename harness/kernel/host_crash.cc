// SPDX-License-Identifier: MIT
//
// A machine is switched off, and on again.
//
// Off means that nothing more happens on it: no FIN, no RST, no handler. So nothing is closed or
// released in the ordinary way; what only its own threads could reach (its pipes, its epoll sets)
// is left as it is until the end of the run, since no thread that could look at it is there any
// more. Only what others or the timeline can reach is taken back: descriptors, ports, names,
// timers, wait queues (their entries were on the stacks), and the ends of its connections. A stream
// that lost an end that way is `vanished`: whoever sends on it meets silence while the machine is
// off, and is refused (RST) when it is on again.
#include "kernel/host.h"
#include "kernel/links.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "trace/recorder.h"

namespace pollux::kernel {

void TcpSocket::vanish() {
  leave_port();
  hidden = squeezed = queue_hidden = false;
  state = State::closed;
  queue_first_ = queue_last_ = nullptr;
  queue_length_ = half_open_ = 0;
  listener_ = nullptr;
  for (Stream* stream : {in, out}) {
    if (stream != nullptr) stream->recovery.vanished = true;
  }
  detach_streams();
}

unsigned crash_host(unsigned number) {
  Host& crashed = host(number);
  if (trace::recorder.text) trace::line(trace::What::note, "host %u is off", number);
  crashed.signals.reset();
  unsigned stopped = explore::stop_threads_of(number);
  pools.tcp_sockets.visit_used([number](TcpSocket& socket) {
    if (socket.host == number) socket.vanish();
  });
  pools.timerfds.visit_used([number](TimerFd& timer) {
    if (timer.host == number) timer.stop();
  });
  pools.visit_files([number](File& file) {
    if (file.host == number) file.abandon();
  });
  crashed.fds.reset(static_cast<int>(state.options.fd_limit));
  crashed.ports.reset();
  crashed.udp_ports.reset();
  crashed.unix_names.reset();
  links.set_down(number, true);
  return stopped;
}

void restart_host(unsigned number) {
  if (trace::recorder.text) trace::line(trace::What::note, "host %u is on", number);
  links.set_down(number, false);
  Host& booted = host(number);
  booted.signals.reset();
  booted.process = 0;
}

}  // namespace pollux::kernel
