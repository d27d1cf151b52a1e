// A TOML file read by key, with the file and line in every complaint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>

namespace hone {

/// One table of a TOML file. A value: copies share the file.
///
/// A key that is missing or has a value of the wrong kind throws `Error`:
/// `tasks.toml:3: "prompt" must be a text, got a number`.
class TomlTable {
 public:
  /// The whole file. Throws `Error` naming file and line for what is no TOML, for a file without
  /// keys, and for dates and times, which nothing here takes.
  static TomlTable read(const std::filesystem::path& path);

  bool has(const std::string& key) const { return values_.contains(key); }

  /// Where `key` stands: `file:line`; where the table begins, if it has no such key.
  std::string place(const std::string& key = {}) const;

  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& absent) const;
  bool flag(const std::string& key, bool absent) const;
  double number(const std::string& key, double absent) const;
  std::int64_t integer(const std::string& key, std::int64_t absent) const;
  /// A list of texts; empty where absent.
  std::vector<std::string> texts(const std::string& key) const;
  /// A list of tables; empty where absent.
  std::vector<TomlTable> tables(const std::string& key) const;
  /// The values of a table by their keys; an empty object where absent.
  Json object(const std::string& key) const;

  /// Throws `Error` for a key that is not one of `known`, and suggests the nearest.
  void expect_only(const std::vector<std::string>& known) const;

 private:
  struct File {
    std::string name;
    std::map<std::string, std::size_t> lines;  // by JSON pointer
  };
  TomlTable(std::shared_ptr<const File> file, std::string pointer, Json values);
  const Json& value(const std::string& key, const char* wanted, bool fits) const;

  std::shared_ptr<const File> file_;
  std::string pointer_;  // of this table in the file
  Json values_;
};

}  // namespace hone
