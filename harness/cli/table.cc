// SPDX-License-Identifier: MIT
#include "cli/table.h"

#include <algorithm>
#include <sstream>

namespace pollux::cli {
namespace {

std::vector<std::string> wrap(const std::string& cell, size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(cell);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

void trim_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows, size_t cell_max) {
  std::vector<std::vector<std::vector<std::string>>> wrapped;  // by row, column, line
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    auto& cells = wrapped.emplace_back();
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(wrap(row[i], cell_max));
      for (const std::string& line : cells.back()) widths[i] = std::max(widths[i], line.size());
    }
  }

  std::string text;
  for (const auto& cells : wrapped) {
    size_t height = 0;
    for (const auto& cell : cells) height = std::max(height, cell.size());
    for (size_t at = 0; at < height; ++at) {
      std::string line;
      for (size_t i = 0; i < cells.size(); ++i) {
        std::string part = at < cells[i].size() ? cells[i][at] : "";
        part.resize(widths[i], ' ');
        line += "  " + part;
      }
      trim_right(line);
      text += line + "\n";
    }
  }
  return text;
}

}  // namespace pollux::cli
