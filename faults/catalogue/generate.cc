// SPDX-License-Identifier: MIT
//
// generate FAULTS.toml HEADER SOURCE: checks the catalogue and writes it as C++.
//
// Exit 2 with one line "file:line: what" when the catalogue is not well formed; nothing is written
// then.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "catalogue/catalogue_file.h"

namespace {

bool write_file(const char* path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) std::fprintf(stderr, "%s: can not be written\n", path);
  return static_cast<bool>(out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s FAULTS.toml HEADER SOURCE\n", argv[0]);
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) {
    std::fprintf(stderr, "%s: can not be read\n", argv[1]);
    return 2;
  }
  namespace catalogue = pollux::faults::catalogue;
  auto parsed = catalogue::parse(text.str(), argv[1]);
  if (auto* error = std::get_if<catalogue::Error>(&parsed)) {
    std::fprintf(stderr, "%s\n", error->message.c_str());
    return 2;
  }
  const auto& rows = std::get<std::vector<catalogue::Row>>(parsed);
  bool written = write_file(argv[2], catalogue::header_text(rows)) &&
                 write_file(argv[3], catalogue::source_text(rows));
  return written ? 0 : 1;
}
