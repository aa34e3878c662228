// SPDX-License-Identifier: MIT
//
// TCP and packets that are lost: what its peers see of it.
//
// A real sender arms a timer with each packet and disarms it with each acknowledgement. Here the
// network knows what is lost, so nothing is armed until then: lost() puts the timeout into the
// timeline that the real timer would have had, counted from when the oldest packet without an
// answer was sent. A network that loses nothing pays nothing.
//
// What is sent again, and when (R: 200 ms and the round trip; tcp_rto_min, tcp_set_rto):
//
//   SYN        after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s; at 131 s connect says ETIMEDOUT. With
//              TCP_SYNCNT n it does at the first of these moments after 2^(n+1) - 1 s, and
//              EHOSTUNREACH after 3 s when the host is down (nobody answers ARP)
//   SYN-ACK    after 1, 3, 7, 15, 31 s; at 63 s the listener forgets it
//   data, FIN  after R (the probe for a lost tail), 2 R, 4 R, 8 R, ... at most 120 s apart. At the
//              first such moment that is 924.6 s behind 2 R (tcp_retries2; 102.2 s without a
//              descriptor) the sender gives up: ETIMEDOUT. With TCP_USER_TIMEOUT exactly that time
//              behind 2 R.
//   RST, ACK   never; what they answered comes again and gets the next one
//
// Each time the sender begins a new flight at the first missing byte with one segment, and each
// acknowledgement sends the next one, until nothing is missing; what it is given meanwhile waits.
// There is no fast retransmission and no SACK: a loss in the middle costs a whole R, which is late,
// but not later than TCP may be. All of it was measured on Linux 6.18 (docs/network.md).
//
// Keep-alive is the same thought: while packets get through and somebody is there to answer them,
// probes change nothing, so there are none. When a link is cut, a host goes down or a connection is
// forgotten, the connections concerned begin to look.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host.h"
#include "kernel/links.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "kernel/tcp_network.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

constexpr Time kMillisecond = 1'000'000;
constexpr Time kSecond = 1000 * kMillisecond;
constexpr Time kRtoMin = 200 * kMillisecond;
constexpr Time kRtoMax = 120 * kSecond;
constexpr unsigned kSynRetries = 6;         // tcp_syn_retries
constexpr unsigned kSynLinearTimeouts = 4;  // tcp_syn_linear_timeouts
constexpr unsigned kSynAckRetries = 5;      // tcp_synack_retries
// tcp_model_timeout of tcp_retries2 = 15, and of tcp_orphan_retries = 8.
constexpr Time kGiveUp = 1023 * kRtoMin + 6 * kRtoMax;
constexpr Time kGiveUpOrphan = 511 * kRtoMin;
constexpr Time kArpTime = 3 * kSecond;  // three questions, a second each
// A neighbour that was known is believed for 5 s more before it is asked for.
constexpr Time kNeighbourTime = 5 * kSecond + kArpTime;

}  // namespace

bool Network::reaches(const Stream* stream) {
  if (!links.shaped()) return true;
  return !stream->recovery.forgotten && links.open(stream->from_host, stream->to_host);
}

bool Network::answer_reaches(const Stream* stream) {
  if (!links.shaped()) return true;
  return !stream->recovery.forgotten && links.open(stream->to_host, stream->from_host);
}

bool Network::counts(const Stream* stream, uint64_t position, uint64_t flight) {
  return flight == stream->recovery.flight && position <= stream->recovery.hole;
}

// --- Losing

void Network::lost_from(Stream* stream, uint64_t position) {
  stream->recovery.hole = std::min(stream->recovery.hole, position);
  lost(stream);
}

void Network::lost_syn_ack(Stream* stream) {
  lost(stream);
  lost(stream->from->in);
}

void Network::lost_reset(Stream* stream) {
  TcpSocket* meant = stream->to;
  if (meant == nullptr || meant->out == nullptr) return;
  Stream* asked = meant->out;
  if (meant->state != TcpSocket::State::established) return lost(asked);
  if (asked->arrived < asked->sent) lost_from(asked, asked->arrived);
}

void Network::lost(Stream* stream) {
  Recovery& recovery = stream->recovery;
  TcpSocket* sender = stream->from;
  if (recovery.due || sender == nullptr || sender->state == TcpSocket::State::closed) return;
  recovery.due = true;
  Time when = recovery.timer_from + wait_before_retry(stream);
  state.timeline->add(std::max(when, now()), retry, stream, stream->generation);
}

int64_t Network::wait_before_retry(const Stream* stream) {
  const Recovery& recovery = stream->recovery;
  const TcpSocket* sender = stream->from;
  unsigned tries = recovery.tries;
  Time wait = 0;
  bool may_end = false;  // the timeout that asks whether the time is over may come early
  switch (sender->state) {
    case TcpSocket::State::syn_sent:
      wait = kSecond << (tries <= kSynLinearTimeouts ? 0 : tries - kSynLinearTimeouts);
      may_end = tries >= 1;
      break;
    case TcpSocket::State::syn_received:
      return kSecond << tries;
    default: {
      Time base = kRtoMin + links.least_round_trip(stream->from_host, stream->to_host);
      unsigned doublings = tries <= 1 ? 0 : std::min(tries - 1, 16u);
      wait = std::min(base << doublings, kRtoMax);
      may_end = tries >= 2;
      break;
    }
  }
  // tcp_clamp_rto_to_user_timeout
  if (may_end && sender->user_timeout != 0) {
    Time left = recovery.first + sender->user_timeout - recovery.timer_from;
    wait = std::min(wait, std::max(left, kMillisecond));
  }
  return wait;
}

// --- Getting through

void Network::answered(Stream* stream) {
  Recovery& recovery = stream->recovery;
  recovery.tries = 0;
  recovery.unanswered = false;
  recovery.timer_from = now();
}

bool Network::acknowledge(Stream* stream) {
  if (answer_reaches(stream)) {
    answered(stream);
    return true;
  }
  stream->recovery.unanswered = true;
  lost(stream);
  return false;
}

// --- Again

void Network::retry(void* object, uint64_t generation, uint64_t) {
  auto* stream = static_cast<Stream*>(object);
  if (stream->generation != generation) return;
  stream->recovery.due = false;
  if (stream->from == nullptr) return;
  switch (stream->from->state) {
    case TcpSocket::State::closed:
    case TcpSocket::State::listen:
      return;
    case TcpSocket::State::syn_sent:
      return retry_syn(stream);
    case TcpSocket::State::syn_received:
      return retry_syn_ack(stream);
    case TcpSocket::State::established:
      return retry_data(stream);
  }
}

bool Network::out_of_time(const Stream* stream, int64_t limit) {
  if (stream->from->user_timeout != 0) limit = stream->from->user_timeout;
  return now() - stream->recovery.first >= limit;
}

void Network::retry_syn(Stream* stream) {
  Recovery& recovery = stream->recovery;
  TcpSocket* client = stream->from;
  if (links.is_down(stream->to_host) && now() - recovery.first >= kArpTime) {
    return client->give_up(EHOSTUNREACH);
  }
  unsigned retries = client->syn_count != 0 ? client->syn_count : kSynRetries;
  Time limit = retries < 32 ? ((Time{2} << retries) - 1) * kSecond : kNever;
  if (recovery.tries >= retries + kSynLinearTimeouts ||
      (recovery.tries != 0 && out_of_time(stream, limit))) {
    return client->give_up(ETIMEDOUT);
  }
  ++recovery.tries;
  recovery.timer_from = now();
  if (!send(stream, syn_arrives)) lost(stream);
}

void Network::retry_syn_ack(Stream* stream) {
  TcpSocket* child = stream->from;
  if (stream->recovery.tries >= kSynAckRetries) return child->on_reset();
  ++stream->recovery.tries;
  send_syn_ack(child);
}

void Network::retry_data(Stream* stream) {
  Recovery& recovery = stream->recovery;
  TcpSocket* sender = stream->from;
  if (recovery.hole == Recovery::kNothing && !recovery.unanswered) return;  // it came meanwhile
  if (recovery.tries >= 2 && out_of_time(stream, sender->orphan ? kGiveUpOrphan : kGiveUp)) {
    return sender->give_up(ETIMEDOUT);
  }
  if (++recovery.tries == 2) recovery.first = now();
  recovery.timer_from = now();
  begin_flight(stream);
}

void Network::begin_flight(Stream* stream) {
  ++stream->recovery.flight;
  send_missing(stream);
}

// The first segment of what is missing; with nothing missing, one that only asks for an answer.
void Network::send_missing(Stream* stream) {
  Recovery& recovery = stream->recovery;
  recovery.hole = Recovery::kNothing;
  bool data = stream->arrived < stream->sent;
  bool fin = stream->fin_sent && (stream->to == nullptr || !stream->to->fin_received);
  if (!data && fin) {
    if (!send(stream, fin_arrives, 0, recovery.flight)) lost_from(stream, stream->sent);
    return;
  }
  uint64_t size = std::min<uint64_t>(stream->sent - stream->arrived,
                                     kernel::state.options.network.segment_max_bytes);
  uint64_t end = stream->arrived + size;
  if (!send_piece(stream, end, size)) return;
  if (end < stream->sent || stream->fin_sent) recovery.hole = end;
}

// Something arrived and was acknowledged: the next segment of what is missing.
void Network::go_on(Stream* stream) {
  const Recovery& recovery = stream->recovery;
  if (recovery.hole != stream->arrived || recovery.due || recovery.unanswered) return;
  if (stream->from != nullptr && stream->from->state == TcpSocket::State::established) {
    send_missing(stream);
  }
}

// --- Nobody there

void Network::refuse(Stream* stream) {
  if (!links.shaped()) return stream->from->on_reset();
  Time when = links.send_notice(stream->to_host, stream->from_host);
  if (when == kNever) return lost_from(stream, stream->arrived);
  state.timeline->add(when, refusal_arrives, stream, stream->generation);
}

void Network::refusal_arrives(void* object, uint64_t generation, uint64_t) {
  auto* stream = static_cast<Stream*>(object);
  if (stream->generation != generation || stream->from == nullptr) return;
  if (!answer_reaches(stream)) return lost_from(stream, stream->arrived);
  stream->from->on_reset();
}

// tcp_write_err. Nobody is told: who would be does not answer.
void TcpSocket::give_up(int error_value) {
  bool host_is_gone = links.down_for(out->to_host) >= kNeighbourTime;
  if (trace::recorder.text)
    trace::line(trace::What::packet, "%s gives up", to_string(local).c_str());
  die(error_value == ETIMEDOUT && host_is_gone ? EHOSTUNREACH : error_value);
}

// --- Keep-alive

// When the peer's last packet came: data, or an acknowledgement of ours.
int64_t TcpSocket::last_heard() const {
  Time acknowledged = out->last_arrival + links.least_round_trip(out->from_host, out->to_host) / 2;
  return std::min(std::max(in->last_arrival, acknowledged), now());
}

void TcpSocket::keep_alive_looks_at(Time when) {
  kernel::state.timeline->add(
      when,
      [](void* object, uint64_t setting, uint64_t) {
        auto* socket = static_cast<TcpSocket*>(object);
        if (socket->keep_alive_setting_ == setting) socket->keep_alive_looks();
      },
      this, keep_alive_setting_);
}

void TcpSocket::watch_for_silence() {
  if (!keep_alive || state != State::established || in == out) return;
  if (Network::reaches(out) && Network::answer_reaches(out) && out->to != nullptr) return;
  ++keep_alive_setting_;
  keep_alive_probes_ = 0;
  keep_alive_looks_at(std::max(now(), last_heard() + keep_alive_times.idle * kSecond));
}

void TcpSocket::keep_alive_looks() {  // tcp_keepalive_timer
  if (!keep_alive || state != State::established) return;
  bool gets_through = Network::reaches(out) && Network::answer_reaches(out);
  if (gets_through && out->to != nullptr) return;  // it would be answered, and so would the next
  if (gets_through) return Network::refuse(out);
  auto look_again_after = [this](Time wait) { keep_alive_looks_at(now() + wait); };
  // What is on its way has a timer of its own.
  if (out->recovery.due) return look_again_after(keep_alive_times.idle * kSecond);
  Time silent = now() - last_heard();
  if (silent < keep_alive_times.idle * kSecond) {
    return look_again_after(keep_alive_times.idle * kSecond - silent);
  }
  bool over = user_timeout != 0 ? keep_alive_probes_ != 0 && silent >= user_timeout
                                : keep_alive_probes_ >= keep_alive_times.count;
  if (over) return give_up(ETIMEDOUT);
  ++keep_alive_probes_;
  look_again_after(keep_alive_times.interval * kSecond);
}

}  // namespace pollux::kernel
