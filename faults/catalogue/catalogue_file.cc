// SPDX-License-Identifier: MIT
#include "catalogue/catalogue_file.h"

#include <string.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "catalogue/nearest.h"

namespace pollux::faults::catalogue {
namespace {

constexpr std::array<std::string_view, 9> kKeys = {
    "name", "calls", "outcome", "grade", "errno", "source", "needs", "rule", "follow_up"};
constexpr std::array<std::string_view, 3> kGrades = {"legal", "documented", "lie"};

// Thrown inside this file only, so that a check deep in a row stays one line.
struct Refused {
  std::string message;
};

[[noreturn]] void refuse(std::string_view origin, const toml::source_region& where,
                         const std::string& what) {
  std::ostringstream line;
  line << origin << ':' << where.begin.line << ": " << what;
  throw Refused{line.str()};
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// Error names of this libc, so that no second table can disagree with <errno.h>.
bool is_errno_name(std::string_view name) {
  constexpr int kLast = 4095;  // MAX_ERRNO of the kernel
  for (int value = 1; value <= kLast; ++value) {
    const char* known = strerrorname_np(value);
    if (known != nullptr && name == known) return true;
  }
  return false;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// "posix/io/rw/read/eagain": words joined by '/', four or five of them, in libfiu's name space.
bool is_point_name(std::string_view name) {
  if (!name.starts_with("posix/") && !name.starts_with("linux/")) return false;
  unsigned words = 0;
  for (size_t begin = 0;; ++words) {
    size_t end = name.find('/', begin);
    if (!is_word(name.substr(begin, end == name.npos ? end : end - begin))) return false;
    if (end == name.npos) break;
    begin = end + 1;
  }
  return words >= 3 && words <= 4;
}

class Reader {
 public:
  explicit Reader(std::string_view origin) : origin_(origin) {}

  std::vector<Row> read(const toml::table& file) {
    for (auto&& [key, node] : file) {
      if (key.str() != "fault")
        refuse(origin_, node.source(), unknown("key", key.str(), {"fault"}));
    }
    const toml::array* rows = file["fault"].as_array();
    if (rows == nullptr || !rows->is_array_of_tables()) {
      refuse(origin_, file.source(), "no [[fault]] in the file");
    }
    std::vector<Row> result;
    for (const toml::node& node : *rows) result.push_back(read_row(*node.as_table()));
    return result;
  }

 private:
  static std::string unknown(std::string_view what, std::string_view word,
                             std::vector<std::string_view> known) {
    return "unknown " + std::string(what) + ' ' + quoted(word) + ", did you mean " +
           quoted(nearest(word, known)) + '?';
  }

  std::string text(const toml::table& row, std::string_view key, bool required = true) {
    const toml::node* node = row.get(key);
    if (node == nullptr) {
      if (required) refuse(origin_, row.source(), "missing key " + quoted(key));
      return {};
    }
    const auto* value = node->as_string();
    if (value == nullptr || value->get().empty()) {
      refuse(origin_, node->source(), quoted(key) + " must be a text that is not empty");
    }
    return value->get();
  }

  Row read_row(const toml::table& table) {
    for (auto&& [key, node] : table) {
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
        refuse(origin_, node.source(), unknown("key", key.str(), {kKeys.begin(), kKeys.end()}));
      }
    }
    auto at = [&](std::string_view key) { return table.get(key)->source(); };
    Row row;
    row.name = text(table, "name");
    if (!is_point_name(row.name)) {
      refuse(origin_, at("name"),
             quoted(row.name) + " is not a point name such as \"posix/io/rw/read/eagain\"");
    }
    if (!identifiers_.insert(identifier(row.name)).second) {
      refuse(origin_, at("name"), "a second fault named " + quoted(row.name));
    }
    row.calls = read_calls(table);
    row.outcome = text(table, "outcome");
    row.grade = text(table, "grade");
    if (std::find(kGrades.begin(), kGrades.end(), row.grade) == kGrades.end()) {
      refuse(origin_, at("grade"), unknown("grade", row.grade, {kGrades.begin(), kGrades.end()}));
    }
    std::string last = row.outcome + (row.grade == "lie" ? "_lie" : "");
    if (!row.name.ends_with('/' + last)) {
      refuse(origin_, at("name"), quoted(row.name) + " must end in " + quoted('/' + last));
    }
    row.error = text(table, "errno", false);
    if (!row.error.empty() && !is_errno_name(row.error)) {
      refuse(origin_, at("errno"), "unknown errno " + quoted(row.error));
    }
    row.source = text(table, "source");
    row.needs = text(table, "needs");
    row.rule = text(table, "rule");
    row.follow_up = text(table, "follow_up");
    return row;
  }

  std::vector<std::string> read_calls(const toml::table& table) {
    const toml::node* node = table.get("calls");
    if (node == nullptr) refuse(origin_, table.source(), "missing key \"calls\"");
    const toml::array* list = node->as_array();
    if (list == nullptr || list->empty()) {
      refuse(origin_, node->source(), "\"calls\" must be a list of call names");
    }
    std::vector<std::string> calls;
    for (const toml::node& call : *list) {
      const auto* name = call.as_string();
      if (name == nullptr || !is_word(name->get())) {
        refuse(origin_, call.source(), "\"calls\" must be a list of call names");
      }
      calls.push_back(name->get());
    }
    return calls;
  }

  std::string_view origin_;
  std::set<std::string> identifiers_;
};

// A C++ string literal.
std::string literal(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : " ") + word;
  return result;
}

constexpr std::string_view kGenerated =
    "// SPDX-License-Identifier: MIT\n"
    "//\n"
    "// Generated from faults/catalogue/faults.toml by generate.cc.\n";

}  // namespace

std::variant<std::vector<Row>, Error> parse(std::string_view text, std::string_view origin) {
  try {
    toml::table file = toml::parse(text, origin);
    return Reader(origin).read(file);
  } catch (const Refused& refused) {
    return Error{refused.message};
  } catch (const toml::parse_error& error) {
    std::ostringstream line;
    line << origin << ':' << error.source().begin.line << ": " << error.description();
    return Error{line.str()};
  }
}

std::string identifier(std::string_view name) {
  std::string result = "k_" + std::string(name);
  std::replace(result.begin(), result.end(), '/', '_');
  return result;
}

std::string header_text(const std::vector<Row>& rows) {
  std::ostringstream out;
  out << kGenerated
      << "//\n// The failure points by name; points()[id] tells the rest.\n"
         "#pragma once\n\n#include \"pollux/faults/point.h\"\n\nnamespace pollux::faults {\n\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    out << "// " << rows[i].grade << ": " << rows[i].rule << "\ninline constexpr PointId "
        << identifier(rows[i].name) << " = " << i << ";\n";
  }
  out << "\ninline constexpr unsigned kPointCount = " << rows.size()
      << ";\n\n}  // namespace pollux::faults\n";
  return out.str();
}

std::string source_text(const std::vector<Row>& rows) {
  std::ostringstream out;
  out << kGenerated
      << "#include <cerrno>\n\n#include \"pollux/faults/catalogue.h\"\n\n"
         "namespace pollux::faults {\nnamespace {\n\nconstexpr Point kPoints[kPointCount] = {\n";
  for (const Row& row : rows) {
    out << "    {" << literal(row.name) << ", " << literal(row.calls.front()) << ",\n     "
        << literal(row.outcome) << ", Grade::" << row.grade << ", "
        << (row.error.empty() ? "0" : row.error) << ",\n     " << literal(row.source) << ",\n     "
        << literal(row.rule) << ",\n     " << literal(row.follow_up) << ",\n     "
        << literal(joined(row.calls)) << ",\n     " << literal(row.needs) << "},\n";
  }
  out << "};\n\n}  // namespace\n\nstd::span<const Point> points() { return kPoints; }\n\n"
         "}  // namespace pollux::faults\n";
  return out.str();
}

}  // namespace pollux::faults::catalogue
