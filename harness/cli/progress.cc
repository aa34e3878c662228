// SPDX-License-Identifier: MIT
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/report.h"

namespace pollux::cli {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);
constexpr int kBarWidth = 30;

}  // namespace

Progress::Kind Progress::suitable() {
  const char* terminal = std::getenv("TERM");
  bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
  return ::isatty(STDERR_FILENO) != 0 && !dumb ? Kind::bar : Kind::lines;
}

Progress::Progress(Kind kind, std::string title) : kind_(kind), title_(std::move(title)) {
  const char* no_colour = std::getenv("NO_COLOR");
  colour_ = no_colour == nullptr || *no_colour == '\0';
}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Progress::show(const run::SweepTotals& totals, double share) {
  auto now = std::chrono::steady_clock::now();
  if (kind_ == Kind::none ||
      now - last_ < (kind_ == Kind::bar ? kBarEvery : std::chrono::milliseconds(kLineEvery))) {
    return;
  }
  last_ = now;
  uint64_t failed = totals.runs - totals.held;
  std::string rate =
      short_number(static_cast<double>(totals.runs) / std::max(totals.seconds, 1e-9));
  std::string counts = std::to_string(totals.runs) + " seeds, " + std::to_string(failed) +
                       " failed, " + rate + " runs/s";
  if (kind_ == Kind::lines) {
    std::fprintf(stderr, "%s: %3.0f %%, %s\n", title_.c_str(), share * 100, counts.c_str());
    return;
  }
  int full = static_cast<int>(share * kBarWidth);
  std::string bar(static_cast<size_t>(full), '#');
  bar.resize(kBarWidth, '.');
  const char* on = colour_ ? (failed != 0 ? "\033[31m" : "\033[32m") : "";
  std::fprintf(stderr, "\r\033[K%s [%s%s%s] %3.0f %%  %s", title_.c_str(), on, bar.c_str(),
               colour_ ? "\033[0m" : "", share * 100, counts.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace pollux::cli
