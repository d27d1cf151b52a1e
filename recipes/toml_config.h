// Options of a program in a TOML file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace hone::recipes {

/// Reads and prints the options of a program as TOML, one key for each option.
///
/// CLI11's own reader knows no escapes and no line numbers; this one leaves TOML to toml++.
class TomlConfig : public CLI::Config {
 public:
  /// Every option of `app` that may stand in a file: as it was given, or its default where
  /// `default_also`; its description above it where `write_description`.
  std::string to_config(const CLI::App* app,
                        bool default_also,
                        bool write_description,
                        std::string prefix) const override;

  /// The keys of a TOML file. Throws `Error` starting with the line (`3: ...`) for what is no TOML,
  /// and for tables and dates, which no option takes.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  /// The line on which `key` stood in the file that was read last, or 0.
  std::int64_t line_of(const std::string& key) const;

 private:
  mutable std::map<std::string, std::int64_t> lines_;
};

}  // namespace hone::recipes
