// SPDX-License-Identifier: MIT
#include "run/story.h"

#include <algorithm>
#include <regex>
#include <span>

namespace pollux::run {
namespace {

constexpr uint64_t kReadable = 1'000'000;  // a number above is more likely an address

const char* verb(const Step& step) {
  switch (step.kind) {
    case StepKind::read:
      return "reads ";
    case StepKind::write:
      return "stores ";
    case StepKind::update:
      return "exchanges ";
    case StepKind::compare:
      return "CAS ";
    case StepKind::fence:
      return "fence";
    case StepKind::begin:
      return "begins";
    case StepKind::end:
      return "ends";
    default:
      return "";
  }
}

std::string value(uint64_t number) {
  return number < kReadable ? std::to_string(number) : "an address";
}

// "server+0x1f3". Made when it is first asked for: this is also part of what is preloaded.
const std::regex& place_pattern() {
  static const std::regex pattern(R"(([^\s/:]+)\+0x([0-9a-f]{1,10}))");
  return pattern;
}

std::string in_source(const CodeLine& line) {
  const bool both = !line.file.empty() && !line.function.empty();
  return to_string(line) + (both ? " in " + line.function : "");
}

bool is_memory(const Step& step) { return step.kind <= StepKind::compare; }

}  // namespace

bool Story::changes(const Step& step) {
  if (step.kind == StepKind::object) return true;
  return is_memory(step) && step.kind != StepKind::read && step.before != step.after;
}

const std::string& Story::text(uint32_t index) const {
  static const std::string none;
  return index == 0 || index > run_.log.texts.size() ? none : run_.log.texts[index - 1];
}

std::string thread_name(const StepLog& log, Actor actor) {
  if (actor == kNetwork) return "net";
  return actor < log.threads.size() && !log.threads[actor].empty() ? log.threads[actor]
                                                                   : "t" + std::to_string(actor);
}

std::string Story::object(const Step& step) {
  auto [label, is_new] = labels_.try_emplace(step.address, labels_.size() + 1);
  return "#" + std::to_string(label->second);
}

std::string Story::what(const Step& step, const std::string& name) {
  auto called = [&] { return name.empty() ? object(step) : name; };
  std::string text = verb(step);
  if (step.kind == StepKind::compare && step.before == step.after) text = "CAS fails on ";
  if (step.kind == StepKind::call || step.kind == StepKind::packet) {
    text = this->text(step.text);
  } else if (step.kind == StepKind::object) {
    text = this->text(step.text) + (step.address != 0 ? " " + called() : "");
  } else if (is_memory(step) && step.text != 0) {
    text += this->text(step.text);
  } else if (is_memory(step)) {
    text += called();
    if (step.size != 0) {
      text += ": " + value(step.before);
      if (step.before != step.after) {
        text += (step.stale ? ", stale: newest is " : " -> ") + value(step.after);
      }
    }
  }
  if (step.wait != 0) text += ", waits for " + this->text(step.wait);
  return text;
}

std::string Story::what_is_next(const Step& step) {
  if (step.kind == StepKind::call) {
    const std::string& whole = text(step.text);
    return whole.substr(0, whole.find(" = "));
  }
  if (is_memory(step) && step.text != 0) {
    const std::string& whole = text(step.text);
    return verb(step) + whole.substr(0, whole.find(": "));
  }
  if (step.kind == StepKind::object) return text(step.text);
  if (is_memory(step)) return verb(step) + object(step);
  return verb(step);
}

std::string Story::operation(const Step& step) {
  if (step.kind == StepKind::object) return text(step.text);
  const std::string whole = step.kind == StepKind::call ? text(step.text) : verb(step);
  return whole.substr(0, whole.find_first_of("( "));
}

std::optional<uint64_t> Story::place_in(const std::string& module, uint64_t offset) const {
  for (size_t i = 0; i < run_.log.modules.size(); ++i) {
    const std::string& path = run_.log.modules[i];
    if (path.substr(path.rfind('/') + 1) == module) return uint64_t{i} << 40 | offset;
  }
  return std::nullopt;
}

std::optional<CodeLine> Story::line_at(uint64_t place) {
  const std::vector<CodeLine>& lines = symbols_.at(place);
  auto own = std::find_if(lines.begin(), lines.end(),
                          [](const CodeLine& line) { return !Symbols::is_foreign(line); });
  const CodeLine& line = own != lines.end() ? *own : lines.front();
  return line.file.empty() ? std::nullopt : std::optional(line);
}

std::string Story::with_source(const std::string& text) {
  std::string resolved;
  auto end = text.cbegin();
  for (std::sregex_iterator at(text.begin(), text.end(), place_pattern()), last; at != last; ++at) {
    const std::smatch& match = *at;
    resolved.append(end, match[0].first);
    end = match[0].second;
    auto place = place_in(match[1], std::stoull(match[2], nullptr, 16));
    auto line = place ? line_at(*place) : std::nullopt;
    resolved += line ? in_source(*line) : match.str();
  }
  return resolved.append(end, text.cend());
}

std::vector<std::string> Story::functions_at(const std::string& text) {
  std::smatch match;
  if (!std::regex_match(text, match, place_pattern())) return {text};
  auto place = place_in(match[1], std::stoull(match[2], nullptr, 16));
  if (!place) return {text};
  if (symbols_.is_foreign(*place)) return {};
  std::vector<std::string> functions;
  for (const CodeLine& line : symbols_.at(*place)) {
    if (!Symbols::is_foreign(line)) functions.push_back(in_source(line));
  }
  return functions;
}

std::string Story::own_place_in(const std::string& text) {
  for (std::sregex_iterator at(text.begin(), text.end(), place_pattern()), last; at != last; ++at) {
    auto place = place_in((*at)[1], std::stoull((*at)[2], nullptr, 16));
    auto line = place ? line_at(*place) : std::nullopt;
    if (line && !Symbols::is_foreign(*line)) return in_source(*line);
  }
  return "";
}

std::vector<CodeLine> Story::program_frames(const Step& step, size_t most) {
  std::vector<CodeLine> found;
  const std::vector<uint64_t>& all = run_.log.frames;
  if (step.stack >= all.size()) return found;
  std::span<const uint64_t> frames(all.data() + step.stack + 1, all[step.stack]);
  size_t first = 0;
  if (is_memory(step) || step.kind == StepKind::fence) {
    auto own = std::find(frames.begin(), frames.end(), step.place);
    if (own != frames.end()) first = static_cast<size_t>(own - frames.begin());
  }
  for (size_t i = first; i < frames.size() && found.size() < most; ++i) {
    if (symbols_.is_foreign(frames[i])) continue;
    for (const CodeLine& line : symbols_.at(frames[i])) {
      if (Symbols::is_foreign(line) || found.size() == most) continue;
      found.push_back(line);
    }
  }
  return found;
}

const CodeLine& Story::where(const Step& step) {
  uint64_t key = uint64_t{step.stack} << 32 ^ step.place;
  auto [known, is_new] = where_.try_emplace(key);
  if (!is_new) return known->second;
  std::vector<CodeLine> frames = program_frames(step, 1);
  if (!frames.empty()) {
    known->second = frames.front();
  } else if (is_memory(step)) {
    known->second = symbols_.at(step.place).front();
  }
  return known->second;
}

std::string Story::callers(const Step& step, size_t most) {
  std::string text;
  for (const CodeLine& line : program_frames(step, most)) {
    if (line.function.empty()) continue;
    text += (text.empty() ? "" : " < ") + line.function;
  }
  return text;
}

}  // namespace pollux::run
