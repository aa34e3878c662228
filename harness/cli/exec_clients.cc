// SPDX-License-Identifier: MIT
//
// Playing scripts.
//
// A client is program code of the run like the server's: an ordinary blocking client that calls the
// twin's sockets, and what it waits for and when it goes on are choices. Only two things set it
// apart. Its host shares the loopback of the program's host, so that it may be a local client, and
// no failure point fires in its calls: the program is under test, not the client.
//
// A script that can not go on ends the run:
//   other bytes, or an end where bytes were expected    violation, named "FILE:LINE"
//   nothing at all, for as long as its patience          lost wake-up or deadlock, by the judge
// The end of a connection is no violation once a fault has fired in the run that costs connections,
// which is every fault that the profile "transparent" does not have, or under a network file: the
// client ends there.
//
// When the last script is done, a program that handles SIGTERM is sent one and must end; the run
// of any other is over.
#include "cli/exec_clients.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include "cli/client_script.h"
#include "explore/scheduler.h"
#include "kernel/kernel.h"
#include "kernel/signals.h"
#include "oracle/judges.h"
#include "pollux/faults/profile.h"
#include "pollux/shim/gate.h"
#include "pollux/world.h"
#include "run/check.h"

namespace pollux::cli {
namespace {

using Kind = ClientStep::Kind;

constexpr unsigned kProgramHost = 0;
constexpr int64_t kConnectAgainNs = 1'000'000;  // the server may not listen yet
constexpr size_t kShownMax = 80;                // bytes of what came, in a message

void wait(int64_t nanoseconds) {
  timespec time = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

class Client {
 public:
  Client(const ClientGroup& group, unsigned number, unsigned host)
      : server_(std::get<ServerAddress>(parse_server_address(group.address))),
        address_(group.address),
        file_(group.file.substr(group.file.rfind('/') + 1)),
        number_(number),
        count_(group.count),
        host_(host),
        steps_(std::get<0>(parse_client_script(group.script, group.file, number))) {}

  unsigned host() const { return host_; }
  // As it was before its host went down.
  void begin_anew() {
    at_ = 0;
    socket_ = -1;
    patience_ = kPatienceNs;
    ahead_.clear();
    started_ = done_ = cut_off_ = false;
  }
  bool done() const { return done_; }
  // Nothing is left that needs a server.
  bool content() const {
    return done_ || (started_ && std::all_of(steps_.begin() + static_cast<long>(at_), steps_.end(),
                                             [](const ClientStep& step) {
                                               return step.kind == Kind::closed ||
                                                      step.kind == Kind::close ||
                                                      step.kind == Kind::reset ||
                                                      step.kind == Kind::sleep;
                                             }));
  }
  // "kv.txt:7"
  std::string place() const {
    return file_ + ":" + std::to_string(steps_[std::min(at_, steps_.size() - 1)].line);
  }
  std::string who() const {
    return count_ == 1 ? "the client"
                       : "client " + std::to_string(number_) + " of " + std::to_string(count_);
  }
  std::string thread_name() const { return place() + " client " + std::to_string(number_); }

  void play() {
    if (steps_.front().kind != Kind::connect) connect();
    started_ = true;
    for (; at_ < steps_.size() && !cut_off_; ++at_) {
      tell_place();
      step(steps_[at_]);
    }
    close();
    done_ = true;
  }

 private:
  void tell_place() const {
    shim::HarnessScope scope;
    explore::name_current_thread(thread_name());
  }

  void step(const ClientStep& step) {
    switch (step.kind) {
      case Kind::send:
        return send(step.text);
      case Kind::expect:
        return expect(step.text);
      case Kind::until:
        return until(step.text);
      case Kind::closed:
        return closed();
      case Kind::sleep:
        return wait(step.nanoseconds);
      case Kind::patience:
        patience_ = step.nanoseconds;
        return;
      case Kind::half_close:
        ::shutdown(socket_, SHUT_WR);
        return;
      case Kind::close:
        return close();
      case Kind::reset:
        return reset();
      case Kind::connect:
        return connect();
    }
  }

  void connect() {
    int64_t give_up = now() + patience_;
    while (true) {
      socket_ = ::socket(server_.address.ss_family, SOCK_STREAM, 0);
      run::check(socket_ >= 0, "a client's socket");
      if (::connect(socket_, reinterpret_cast<sockaddr*>(&server_.address), server_.length) == 0)
        return;
      int error = errno;
      close();
      if (error == EHOSTUNREACH && connections_may_be_lost()) return lost("can not connect", error);
      if (error != ECONNREFUSED && error != ETIMEDOUT && error != ECONNRESET)
        fail(std::string("connect to ") + address_ + ": " + ::strerror(error));
      if (now() >= give_up) stuck("nobody listens at " + address_);
      wait(kConnectAgainNs);
    }
  }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    ahead_.clear();
  }

  void reset() {
    linger at_once = {1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  void send(const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      if (!wait_for(POLLOUT)) stuck("the server reads nothing more");
      ssize_t size =
          ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) continue;
      if (size < 0) return lost("can not send", errno);
      sent += static_cast<size_t>(size);
    }
  }

  // More of the stream into ahead_. False: it ended, and `end_` says how.
  bool receive(const std::string& expected) {
    if (!wait_for(POLLIN)) stuck("expected " + expected + ", " + what_came() + " and nothing more");
    char buffer[4096];
    ssize_t size = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return true;
    end_ = size < 0 ? errno : 0;
    if (size <= 0) return false;
    ahead_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  void expect(const std::string& text) {
    const std::string expected = quoted(text);
    while (true) {
      size_t size = std::min(text.size(), ahead_.size());
      if (ahead_.compare(0, size, text, 0, size) != 0)
        fail("expected " + expected + ", " + what_came());
      if (size == text.size()) break;
      if (!receive(expected)) return lost("expected " + expected + ", " + what_came(), end_);
    }
    ahead_.erase(0, text.size());
  }

  void until(const std::string& text) {
    const std::string expected = quoted(text);
    size_t found;
    while ((found = ahead_.find(text)) == std::string::npos) {
      if (!receive(expected)) return lost("expected " + expected + ", " + what_came(), end_);
    }
    ahead_.erase(0, found + text.size());
  }

  void closed() {
    while (ahead_.empty()) {
      if (receive("the end of the connection")) continue;
      if (end_ != 0) return lost("expected the end of the connection", end_);
      return close();
    }
    fail("expected the end of the connection, " + what_came());
  }

  // False: its patience is at an end.
  bool wait_for(short events) {
    int64_t give_up = now() + patience_;
    pollfd wanted = {socket_, events, 0};
    for (int64_t left = patience_; left >= 0; left = give_up - now()) {
      timespec time = {left / 1'000'000'000, left % 1'000'000'000};
      if (::ppoll(&wanted, 1, &time, nullptr) > 0) return true;
    }
    return false;
  }

  static int64_t now() {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  }

  std::string what_came() const {
    if (ahead_.empty()) return "nothing came";
    return ahead_.size() <= kShownMax ? "came " + quoted(ahead_)
                                      : "came " + quoted(ahead_.substr(0, kShownMax)) + "...";
  }

  // The connection ended in the middle of a step.
  void lost(const std::string& what, int error) {
    if (connections_may_be_lost()) {
      cut_off_ = true;
      trace_note((place() + ": cut off by a fault").c_str());
      return;
    }
    fail(what + ", and the connection " +
         (error == 0 ? "was closed by the server" : std::string("failed: ") + ::strerror(error)));
  }

  static bool connections_may_be_lost();

  [[noreturn]] void fail(const std::string& what) const {
    pollux::fail(place().c_str(), who() + " " + what);
  }

  [[noreturn]] void stuck(const std::string& what) const {
    shim::HarnessScope scope;
    oracle::Finding finding = oracle::judge_stuck_run();
    explore::end_run(finding.verdict, place() + ": " + who() + " waited for " +
                                          std::to_string(patience_ / 1'000'000) + " ms: " + what +
                                          "; " + finding.reason);
  }

  ServerAddress server_;
  std::string address_, file_;
  unsigned number_, count_, host_;
  std::vector<ClientStep> steps_;
  size_t at_ = 0;
  int socket_ = -1;
  int64_t patience_ = kPatienceNs;
  std::string ahead_;  // received, and not asked for yet
  int end_ = 0;        // how the stream ended: 0 orderly, or the errno
  bool started_ = false, done_ = false, cut_off_ = false;
};

struct Clients {
  std::vector<std::unique_ptr<Client>> all;
  std::vector<bool> harmless;  // by failure point: costs no connection
  const NetworkPlan* network = nullptr;
  bool ending = false;
};
// Never destroyed: the run may end inside exit handlers.
Clients& clients() {
  static Clients* const clients = new Clients;
  return *clients;
}

bool Client::connections_may_be_lost() {
  shim::HarnessScope scope;
  if (clients().network != nullptr) return true;
  const std::vector<bool>& harmless = clients().harmless;
  for (const Deviation& deviation : explore::choices().deviations()) {
    if (deviation.site >= site::kFirstFault && !harmless[deviation.site - site::kFirstFault])
      return true;
  }
  return false;
}

// The program's own exit ends the run while the client waits.
void stop_program() {
  {
    shim::HarnessScope scope;
    if (!kernel::ask_to_end(kProgramHost)) explore::end_run(Verdict::held, "");
    explore::name_current_thread("whoever sent SIGTERM");
  }
  wait(kPatienceNs);
  fail("SIGTERM", "the program still runs " + std::to_string(kPatienceNs / 1'000'000'000) +
                      " s after it, although it has a handler");
}

bool is_gone_for_good(unsigned host) {
  const std::vector<RulePlan>& rules = clients().network->rules;
  return kernel::kernel().is_off(host) &&
         std::any_of(rules.begin(), rules.end(), [host](const RulePlan& rule) {
           return rule.kind == RulePlan::Kind::crash && rule.a == host && rule.to_ns < 0;
         });
}

// Some may have to begin anew before all are done.
void end_when_all_are_done() {
  Clients& all = clients();
  for (const auto& each : all.all) {
    if (!each->done() && (all.network == nullptr || !is_gone_for_good(each->host()))) return;
  }
  if (!std::exchange(all.ending, true)) stop_program();
}

void start(Client& client) {
  kernel::kernel().add_client_host(client.host(), kProgramHost);
  explore::spawn(client.thread_name(), client.host(), [&client] {
    client.play();
    end_when_all_are_done();
  });
}

// A client that goes down for good may be the last one.
void watch_crashes() {
  for (const RulePlan& rule : clients().network->rules) {
    if (rule.kind != RulePlan::Kind::crash || rule.to_ns >= 0) continue;
    explore::spawn("whoever sees a crash", kObserver, [from = rule.from_ns] {
      wait(from + 1);
      end_when_all_are_done();
    });
  }
}

}  // namespace

void start_clients(const std::vector<ClientGroup>& groups, const NetworkPlan* network) {
  Clients& all = clients();
  all.network = network;
  all.harmless.assign(faults::points().size(), false);
  const auto transparent = std::get<faults::Profile>(faults::load_profile("transparent"));
  for (const faults::ProfileFault& fault : transparent.faults) all.harmless[fault.point] = true;

  unsigned host = kProgramHost;
  for (const ClientGroup& group : groups) {
    for (unsigned number = 0; number < group.count; ++number) {
      ++host;
      all.all.push_back(std::make_unique<Client>(group, number, host));
    }
  }
  for (const auto& client : all.all) start(*client);
  if (network != nullptr) watch_crashes();
}

void start_clients_of(unsigned host) {
  for (const auto& client : clients().all) {
    if (client->host() != host) continue;
    client->begin_anew();
    start(*client);
  }
}

std::string client_left_behind() {
  for (const auto& client : clients().all) {
    if (!client->content() && !kernel::kernel().is_off(client->host()))
      return client->place() + ": the program ended and left " + client->who() + " behind";
  }
  return "";
}

}  // namespace pollux::cli
