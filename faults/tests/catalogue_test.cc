// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "catalogue/catalogue_file.h"
#include "pollux/faults/catalogue.h"

namespace pollux::faults {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), {}};
}

// The ERRORS sections of the man pages (man-pages 6.03). readv and writev take over read's and
// write's; the mmsg calls recvmsg's and sendmsg's; epoll_pwait epoll_wait's.
const std::map<std::string, std::set<int>>& man_page_errors() {
  static const std::set<int> read = {EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EIO, EISDIR};
  static const std::set<int> write = {EAGAIN, EBADF,  EDESTADDRREQ, EDQUOT, EFAULT, EFBIG,
                                      EINTR,  EINVAL, EIO,          ENOSPC, EPERM,  EPIPE};
  static const std::set<int> receive = {EAGAIN, EBADF,  ECONNREFUSED, EFAULT,  EINTR,
                                        EINVAL, ENOMEM, ENOTCONN,     ENOTSOCK};
  static const std::set<int> send = {EACCES, EAGAIN, EALREADY, EBADF,    ECONNRESET, EDESTADDRREQ,
                                     EFAULT, EINTR,  EINVAL,   EISCONN,  EMSGSIZE,   ENOBUFS,
                                     ENOMEM, EPIPE,  ENOTCONN, ENOTSOCK, EOPNOTSUPP};
  static const std::set<int> accept = {EAGAIN, EBADF,    ECONNABORTED, EFAULT,  EINTR,
                                       EINVAL, EMFILE,   ENFILE,       ENOBUFS, ENOMEM,
                                       EPERM,  ENOTSOCK, EOPNOTSUPP,   EPROTO};
  static const std::set<int> epoll_wait = {EBADF, EFAULT, EINTR, EINVAL};
  static const std::map<std::string, std::set<int>> table = {
      {"read", read},
      {"readv", read},
      {"recv", receive},
      {"recvfrom", receive},
      {"recvmsg", receive},
      {"recvmmsg", receive},
      {"write", write},
      {"writev", write},
      {"send", send},
      {"sendto", send},
      {"sendmsg", send},
      {"sendmmsg", send},
      {"accept", accept},
      {"accept4", accept},
      {"epoll_wait", epoll_wait},
      {"epoll_pwait", epoll_wait},
      {"epoll_pwait2", epoll_wait},
      {"socket", {EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT}},
      {"socketpair", {EAFNOSUPPORT, EFAULT, EMFILE, ENFILE, EOPNOTSUPP, EPROTONOSUPPORT}},
      {"open", {EACCES, EINTR, EINVAL, EISDIR, EMFILE, ENFILE, ENOENT, ENOMEM}},
      {"openat", {EACCES, EBADF, EINTR, EINVAL, EISDIR, EMFILE, ENFILE, ENOENT, ENOTDIR}},
      {"dup", {EBADF, EMFILE}},
      {"fcntl", {EACCES, EAGAIN, EBADF, EINVAL, EMFILE, EPERM}},
      {"pipe2", {EFAULT, EINVAL, EMFILE, ENFILE}},
      {"eventfd", {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM}},
      {"timerfd_create", {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, EPERM}},
      {"epoll_create1", {EINVAL, EMFILE, ENFILE, ENOMEM}},
  };
  return table;
}

TEST(CatalogueTest, EveryErrnoIsListedInTheManPageOfEachOfItsCalls) {
  for (const Point& point : points()) {
    for (const std::string& call : words(point.calls)) {
      auto page = man_page_errors().find(call);
      ASSERT_NE(page, man_page_errors().end()) << point.name << ": no man page known for " << call;
      EXPECT_TRUE(point.error == 0 || page->second.count(point.error) == 1)
          << point.name << ": " << call << "(2) does not list " << point.error;
    }
  }
}

TEST(CatalogueTest, NamesAreUniqueAndFoundAgain) {
  std::set<std::string_view> names;
  for (const Point& point : points()) {
    EXPECT_TRUE(names.insert(point.name).second) << point.name;
    EXPECT_EQ(find_point(point.name), &point);
    EXPECT_EQ(point.name.data()[point.name.size()], '\0') << "libfiu wants a C string";
  }
  EXPECT_EQ(names.size(), kPointCount);
  EXPECT_EQ(find_point("posix/io/rw/read"), nullptr);
}

TEST(CatalogueTest, OnlyALieIsNamedOne) {
  for (const Point& point : points()) {
    EXPECT_EQ(point.grade == Grade::lie, point.name.ends_with("_lie")) << point.name;
  }
}

// The faults of the mission: each as something consistent and as a lie.
TEST(CatalogueTest, MissionFaultsExistConsistentlyAndAsLies) {
  for (std::string_view outcome : {"eagain", "econnaborted", "eintr", "epollerr", "short"}) {
    bool consistent = false, lie = false;
    for (const Point& point : points()) {
      if (point.outcome != outcome) continue;
      (point.grade == Grade::lie ? lie : consistent) = true;
    }
    EXPECT_TRUE(consistent) << outcome;
    EXPECT_TRUE(lie) << outcome;
  }
}

TEST(CatalogueTest, ConstantsPointAtTheirRows) {
  EXPECT_EQ(points()[k_posix_io_net_accept4_econnaborted].name,
            "posix/io/net/accept4/econnaborted");
  EXPECT_EQ(points()[k_posix_io_net_accept4_econnaborted].error, ECONNABORTED);
  EXPECT_EQ(points()[k_posix_io_net_accept4_econnaborted].grade, Grade::documented);
  EXPECT_EQ(points()[k_linux_io_epoll_partial].call, "epoll_wait");
}

// --- The reader: each kind of mistake in one line that says where.

constexpr std::string_view kGood =
    "[[fault]]\n"
    "name = \"posix/io/rw/read/eagain\"\n"
    "calls = [\"read\"]\n"
    "outcome = \"eagain\"\n"
    "grade = \"legal\"\n"
    "errno = \"EAGAIN\"\n"
    "source = \"read(2)\"\n"
    "needs = \"n\"\n"
    "rule = \"r\"\n"
    "follow_up = \"f\"\n";

std::string complaint(const std::string& text) {
  auto parsed = catalogue::parse(text, "f.toml");
  auto* error = std::get_if<catalogue::Error>(&parsed);
  return error == nullptr ? "" : error->message;
}

// kGood with one piece replaced.
std::string with(std::string_view from, std::string_view to) {
  std::string text(kGood);
  size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CatalogueFileTest, TheGoodOneIsAccepted) { EXPECT_EQ(complaint(std::string(kGood)), ""); }

TEST(CatalogueFileTest, TheRealOneIsAccepted) {
  std::ifstream in(POLLUX_FAULTS_TOML);
  std::stringstream text;
  text << in.rdbuf();
  auto parsed = catalogue::parse(text.str(), "faults.toml");
  auto* rows = std::get_if<std::vector<catalogue::Row>>(&parsed);
  ASSERT_NE(rows, nullptr) << complaint(text.str());
  EXPECT_EQ(rows->size(), kPointCount);
}

TEST(CatalogueFileTest, MistakesAreNamedWithTheirLine) {
  EXPECT_EQ(complaint(with("grade", "grad")),
            "f.toml:5: unknown key \"grad\", did you mean \"grade\"?");
  EXPECT_EQ(complaint(with("rule = \"r\"\n", "")), "f.toml:1: missing key \"rule\"");
  EXPECT_EQ(complaint(with("EAGAIN", "EAGIAN")), "f.toml:6: unknown errno \"EAGIAN\"");
  EXPECT_EQ(complaint(with("legal", "leagl")),
            "f.toml:5: unknown grade \"leagl\", did you mean \"legal\"?");
  EXPECT_EQ(complaint(std::string(kGood) + std::string(kGood)),
            "f.toml:12: a second fault named \"posix/io/rw/read/eagain\"");
  EXPECT_EQ(complaint(with("posix/io/rw/read/eagain", "read/eagain")),
            "f.toml:2: \"read/eagain\" is not a point name such as \"posix/io/rw/read/eagain\"");
  EXPECT_EQ(complaint(with("read/eagain", "read/short")),
            "f.toml:2: \"posix/io/rw/read/short\" must end in \"/eagain\"");
  EXPECT_EQ(complaint(with("legal", "lie")),
            "f.toml:2: \"posix/io/rw/read/eagain\" must end in \"/eagain_lie\"");
  EXPECT_EQ(complaint(with("[\"read\"]", "\"read\"")),
            "f.toml:3: \"calls\" must be a list of call names");
  EXPECT_EQ(complaint(with("\"r\"", "3")), "f.toml:9: \"rule\" must be a text that is not empty");
  EXPECT_EQ(complaint("[fault]\n"), "f.toml:1: no [[fault]] in the file");
}

TEST(CatalogueFileTest, TomlErrorsAreOneLineToo) {
  std::string line = complaint(with("\"legal\"", "\"legal"));
  EXPECT_EQ(line.rfind("f.toml:5: ", 0), 0u) << line;
  EXPECT_EQ(line.find('\n'), line.npos) << line;
}

TEST(CatalogueFileTest, TextsReachTheGeneratedCodeEscaped) {
  auto parsed = catalogue::parse(with("\"r\"", "'say \"no\" \\ once'"), "f.toml");
  auto& rows = std::get<std::vector<catalogue::Row>>(parsed);
  EXPECT_NE(catalogue::source_text(rows).find("\"say \\\"no\\\" \\\\ once\""), std::string::npos);
}

}  // namespace
}  // namespace pollux::faults
