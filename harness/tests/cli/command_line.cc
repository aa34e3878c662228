// SPDX-License-Identifier: MIT
#include "command_line.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace pollux::testing {

Ended pollux(const std::vector<std::string>& arguments) {
  return run_program(POLLUX_TOY, arguments);
}

Ended run_program(const std::string& path, const std::vector<std::string>& arguments) {
  int out[2], err[2];
  if (::pipe(out) != 0 || ::pipe(err) != 0) return {-1, "", "pipe"};
  pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    for (int end : {out[0], out[1], err[0], err[1]}) ::close(end);
    std::vector<char*> words{const_cast<char*>("pollux")};
    for (const std::string& argument : arguments)
      words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    ::execv(path.c_str(), words.data());
    ::_exit(126);
  }
  ::close(out[1]);
  ::close(err[1]);
  Ended ended{};
  pollfd ends[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  std::string* texts[2] = {&ended.out, &ended.err};
  for (int open = 2; open != 0;) {
    ::poll(ends, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (ends[i].revents == 0) continue;
      char buffer[4096];
      ssize_t got = ::read(ends[i].fd, buffer, sizeof buffer);
      if (got > 0) {
        texts[i]->append(buffer, static_cast<size_t>(got));
      } else {
        ::close(ends[i].fd);
        ends[i].fd = -1;
        --open;
      }
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

std::string last_line(const std::string& text) {
  if (text.size() < 2) return text;
  std::string line = text.substr(text.rfind('\n', text.size() - 2) + 1);
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

std::string token_of(const Ended& ended) {
  constexpr std::string_view kBefore = "pollux replay ";
  std::string line = last_line(ended.out);
  EXPECT_TRUE(line.starts_with(kBefore)) << ended.out << ended.err;
  return line.starts_with(kBefore) ? line.substr(kBefore.size()) : "";
}

void CommandTest::SetUp() {
  char folder[] = "/tmp/pollux-cli-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  std::filesystem::current_path(folder);
}

void CommandTest::TearDown() {
  std::filesystem::path folder = std::filesystem::current_path();
  std::filesystem::current_path("/");
  if (folder.string().starts_with("/tmp/pollux-cli-")) std::filesystem::remove_all(folder);
}

}  // namespace pollux::testing
