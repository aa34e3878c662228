// SPDX-License-Identifier: MIT
#include "models/jobs.h"

#include <charconv>
#include <set>

namespace pollux::properties {
namespace {

struct Info {
  StepKind kind;
  StepArgument argument;
  const char* words;
};
constexpr Info kInfos[] = {
    {StepKind::post, StepArgument::token, "post"},
    {StepKind::timer, StepArgument::token, "post by timer"},
    {StepKind::await, StepArgument::token, "await"},
    {StepKind::read, StepArgument::token, "read"},
    {StepKind::block, StepArgument::token, "block its worker for"},
    {StepKind::sleep, StepArgument::duration, "sleep"},
    {StepKind::deadline, StepArgument::duration, "read deadline"},
    {StepKind::hold, StepArgument::duration, "hold its worker"},
    {StepKind::yield, StepArgument::none, "yield"},
};

const Info* find(char letter) {
  for (const Info& info : kInfos)
    if (static_cast<char>(info.kind) == letter) return &info;
  return nullptr;
}
const Info& info_of(StepKind kind) { return *find(static_cast<char>(kind)); }

bool posts(StepKind kind) { return kind == StepKind::post || kind == StepKind::timer; }
bool waits(StepKind kind) {
  return kind == StepKind::await || kind == StepKind::read || kind == StepKind::block;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::variant<Jobs, std::string> parse() {
    Jobs jobs;
    expect("w");
    jobs.workers = number();
    if (error_.empty() && text_.substr(at_).starts_with(";m")) {
      jobs.monitor = true;
      at_ += 2;
    }
    while (error_.empty() && at_ < text_.size()) {
      expect(";j[");
      Job job;
      while (error_.empty() && !text_.substr(at_).starts_with("]")) {
        if (!job.empty()) expect(",");
        step(job);
      }
      expect("]");
      jobs.jobs.push_back(std::move(job));
    }
    if (error_.empty()) error_ = check_rules(jobs);
    if (!error_.empty()) return error_;
    return jobs;
  }

 private:
  void step(Job& job) {
    const Info* info = at_ < text_.size() ? find(text_[at_]) : nullptr;
    if (info == nullptr) return fail("one of the steps p t a r b s d h y");
    ++at_;
    Step step{info->kind, 0};
    if (info->argument != StepArgument::none) step.argument = number();
    if (info->argument == StepArgument::duration) expect("us");
    job.push_back(step);
  }

  uint32_t number() {
    uint32_t value = 0;
    if (!error_.empty()) return 0;
    auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    size_t length = static_cast<size_t>(end - text_.data()) - at_;
    if (code != std::errc{} || length == 0 || (text_[at_] == '0' && length > 1)) {
      fail("a decimal number");
      return 0;
    }
    at_ += length;
    return value;
  }

  void expect(std::string_view wanted) {
    if (!error_.empty()) return;
    if (!text_.substr(at_).starts_with(wanted)) return fail("'" + std::string(wanted) + "'");
    at_ += wanted.size();
  }

  void fail(const std::string& right) {
    if (error_.empty())
      error_ = "jobs, character " + std::to_string(at_ + 1) + ": expected " + right;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

// Jobs go on as far as posted tokens let them; true when all come to their end.
bool all_end(const Jobs& jobs) {
  std::vector<size_t> at(jobs.jobs.size(), 0);
  std::set<uint32_t> posted;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < jobs.jobs.size(); ++i) {
      while (at[i] < jobs.jobs[i].size()) {
        const Step& step = jobs.jobs[i][at[i]];
        if (waits(step.kind) && !posted.contains(step.argument)) break;
        if (posts(step.kind)) posted.insert(step.argument);
        ++at[i];
        moved = true;
      }
    }
  }
  for (size_t i = 0; i < jobs.jobs.size(); ++i)
    if (at[i] < jobs.jobs[i].size()) return false;
  return true;
}

}  // namespace

StepArgument argument_of(StepKind kind) { return info_of(kind).argument; }

std::string to_text(const Jobs& jobs) {
  std::string text = "w" + std::to_string(jobs.workers);
  if (jobs.monitor) text += ";m";
  for (const Job& job : jobs.jobs) {
    text += ";j[";
    for (const Step& step : job) {
      if (text.back() != '[') text += ',';
      text += static_cast<char>(step.kind);
      if (argument_of(step.kind) != StepArgument::none) text += std::to_string(step.argument);
      if (argument_of(step.kind) == StepArgument::duration) text += "us";
    }
    text += ']';
  }
  return text;
}

std::variant<Jobs, std::string> parse_jobs(std::string_view text) { return Parser(text).parse(); }

std::string check_rules(const Jobs& jobs) {
  if (jobs.workers < 1 || jobs.workers > kJobWorkersMax)
    return "w (workers) is " + std::to_string(jobs.workers) + "; must be 1 to " +
           std::to_string(kJobWorkersMax);
  if (jobs.jobs.empty() || jobs.jobs.size() > kJobsMax)
    return std::to_string(jobs.jobs.size()) + " jobs; must be 1 to " + std::to_string(kJobsMax);
  std::set<uint32_t> posted, by_timer, awaited;
  size_t blocking = 0;
  bool reads = false;
  for (const Job& job : jobs.jobs) {
    if (job.size() > kStepsMax) return "a job of more than " + std::to_string(kStepsMax) + " steps";
    bool blocks = false;
    for (const Step& step : job) {
      const std::string token = "token " + std::to_string(step.argument);
      if (argument_of(step.kind) == StepArgument::token && step.argument >= kTokensMax)
        return token + "; tokens are below " + std::to_string(kTokensMax);
      if (argument_of(step.kind) == StepArgument::duration &&
          (step.argument < 1 || step.argument > kStepMicrosMax))
        return std::to_string(step.argument) + "us; must be 1 to " + std::to_string(kStepMicrosMax);
      if (posts(step.kind) && !posted.insert(step.argument).second)
        return token + " is posted twice";
      if (step.kind == StepKind::timer) by_timer.insert(step.argument);
      if (waits(step.kind) && !awaited.insert(step.argument).second)
        return token + " is awaited twice";
      blocks |= step.kind == StepKind::block;
      reads |= step.kind == StepKind::read;
    }
    blocking += blocks;
  }
  for (uint32_t token : awaited)
    if (!posted.contains(token)) return "token " + std::to_string(token) + " is never posted";
  for (uint32_t token : by_timer)
    if (!awaited.contains(token))
      return "token " + std::to_string(token) + " is posted by a timer and never awaited";
  if (blocking >= jobs.workers)
    return std::to_string(blocking) + " jobs with b (block) on " + std::to_string(jobs.workers) +
           " workers; one worker must stay free";
  if (blocking != 0 && reads && !jobs.monitor)
    return "jobs with b (block) and jobs with r (read) need m (monitor)";
  if (!all_end(jobs)) return "jobs wait for each other in a cycle";
  return "";
}

std::string describe(const Jobs& jobs) {
  std::string text = std::to_string(jobs.workers) + (jobs.workers == 1 ? " worker" : " workers");
  if (jobs.monitor) text += " and the monitor";
  for (const Job& job : jobs.jobs) {
    text += "; ";
    if (job.empty()) text += "nothing";
    for (const Step& step : job) {
      if (&step != job.data()) text += ", ";
      text += info_of(step.kind).words;
      if (argument_of(step.kind) != StepArgument::none) text += ' ' + std::to_string(step.argument);
      if (argument_of(step.kind) == StepArgument::duration) text += "us";
    }
  }
  return text;
}

}  // namespace pollux::properties
