// SPDX-License-Identifier: MIT
#include "suites/network_suite.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "pollux/faults/profile.h"

namespace pollux::properties {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t kPort = 7000;
constexpr char kServerIp[] = "10.0.0.1";
// Longer than the longest event, than a client that starts again needs to come back, and than
// several attempts to connect.
constexpr seconds kIdle(700);
// A thread may be held up for tens of milliseconds, timers may be late.
constexpr seconds kSlack(1);
// Longer than it takes to recover from every event that is harmless.
constexpr seconds kPatience(900);

NetworkScenario parsed(const std::string& text) {
  std::variant<NetworkScenario, std::string> result = parse_network_scenario(text);
  if (auto* error = std::get_if<std::string>(&result)) {
    std::fprintf(stderr, "pollux: %s\n", error->c_str());
    std::abort();
  }
  return std::get<NetworkScenario>(result);
}

// --- The server's side.

void deadline_came(void* context, NetworkServer::Clock::time_point due,
                   NetworkServer::Clock::time_point came) {
  (void)context;
  if (came >= due && came <= due + kSlack) return;
  auto late = std::chrono::duration_cast<std::chrono::microseconds>(came - due).count();
  fail("deadline-in-time", "it came " + std::to_string(late) + " us after it was due");
}

void server_failed(void* context, int error) {
  if (!static_cast<const NetworkScenario*>(context)->is_harmless()) return;
  fail("error-explained", std::string("the server met ") + strerrorname_np(error));
}

// --- A client: blocking, with a timeout on everything.

class Client {
 public:
  Client(const NetworkScenario& scenario, unsigned number) : scenario_(scenario), number_(number) {}

  void play() {
    usleep(1000);
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    timeval patience{kPatience.count(), 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!reach() || !converse()) {
      if (scenario_.is_harmless()) {
        fail("complete", "client " + std::to_string(number_) + ": " + what_ + " gave " +
                             (error_ == 0 ? "the end" : strerrorname_np(error_)));
      }
    }
    close(socket_);
  }

 private:
  bool reach() {
    what_ = "connect";
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(kPort);
    inet_pton(AF_INET, kServerIp, &to.sin_addr);
    for (int tries = 0; tries < 100; ++tries) {
      if (connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return true;
      error_ = errno;
      // It does not listen yet; or one packet after the other was lost.
      if (error_ != ECONNREFUSED && error_ != ETIMEDOUT) return false;
      usleep(10'000);
    }
    return false;
  }

  bool converse() {
    std::string message(scenario_.bytes, '\0'), answer(scenario_.bytes, '\0');
    for (uint32_t i = 0; i < scenario_.messages; ++i) {
      for (size_t k = 0; k < message.size(); ++k) {
        message[k] = static_cast<char>((position_ + k) * 31 % 251 + number_);
      }
      position_ += message.size();
      if (!exchange(message, answer)) return false;
    }
    return true;
  }

  // As much as fits is sent, then what came is read, in turns: the server's buffers are finite.
  bool exchange(const std::string& message, std::string& answer) {
    size_t sent = 0, got = 0;
    while (got < message.size()) {
      int flags = MSG_NOSIGNAL | (got < sent ? MSG_DONTWAIT : 0);
      what_ = "send";
      ssize_t n = sent == message.size()
                      ? 0
                      : send(socket_, message.data() + sent, message.size() - sent, flags);
      if (n < 0 && (errno != EAGAIN || got == sent)) return failed();
      if (n > 0) sent += static_cast<size_t>(n);
      what_ = "recv";
      n = recv(socket_, answer.data() + got, sent - got, 0);
      if (n <= 0) return failed(n == 0);
      if (std::memcmp(answer.data() + got, message.data() + got, static_cast<size_t>(n)) != 0) {
        fail("stream-bytes",
             "client " + std::to_string(number_) + " read other bytes than it sent");
      }
      got += static_cast<size_t>(n);
    }
    return true;
  }

  bool failed(bool at_end = false) {
    error_ = at_end ? 0 : errno;
    return false;
  }

  const NetworkScenario& scenario_;
  unsigned number_;
  int socket_ = -1;
  uint64_t position_ = 0;
  const char* what_ = "";
  int error_ = 0;
};

}  // namespace

std::string NetworkSuite::workload(uint64_t seed) const {
  return to_text(network_scenario_of_seed(seed));
}

std::string NetworkSuite::validate(const std::string& workload) const {
  std::variant<NetworkScenario, std::string> result = parse_network_scenario(workload);
  auto* error = std::get_if<std::string>(&result);
  return error != nullptr ? *error : "";
}

std::vector<std::string> NetworkSuite::shrinks(const std::string& workload) const {
  std::vector<std::string> texts;
  for (const NetworkScenario& smaller : smaller_scenarios(parsed(workload))) {
    texts.push_back(to_text(smaller));
  }
  return texts;
}

std::string NetworkSuite::describe(const std::string& workload) const {
  return properties::describe(parsed(workload));
}

void NetworkSuite::adjust(const std::string& workload, RunOptions& options) const {
  // Calls fail in ways that cost no connection only: the network is what ends them here.
  const auto profile = std::get<faults::Profile>(faults::load_profile("transparent"));
  std::erase_if(options.fault_points, [&profile](uint16_t point) {
    return std::none_of(profile.faults.begin(), profile.faults.end(),
                        [point](const faults::ProfileFault& each) { return each.point == point; });
  });
  options.plan = std::make_shared<const NetworkPlan>(plan_of(parsed(workload)));
}

void NetworkSuite::populate(const std::string& workload, World& world) const {
  auto scenario = std::make_shared<const NetworkScenario>(parsed(workload));
  world.add_thread("server", 0, [scenario, traits = traits_] {
    NetworkServer server{.port = kPort,
                         .deadline = milliseconds(scenario->deadline_ms),
                         .idle = kIdle,
                         .forgets_deadline = traits.forgets_deadline,
                         .context = const_cast<NetworkScenario*>(scenario.get()),
                         .deadline_came = deadline_came,
                         .failed = server_failed};
    traits.server(&server);
  });
  for (unsigned number = 1; number <= scenario->clients; ++number) {
    world.add_thread("client " + std::to_string(number), number,
                     [scenario, number] { Client(*scenario, number).play(); });
  }
}

}  // namespace pollux::properties
