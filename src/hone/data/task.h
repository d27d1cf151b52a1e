// Tasks: several templates that turn a labelled record into an instruction and its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <hone/base/json_io.h>

namespace hone {

/// What a template makes of a record. Neither text has white space at its ends.
struct Instruction {
  std::string prompt;
  std::string completion;
  bool operator==(const Instruction&) const = default;
};

/// The templates of one task with what they need of a record.
class Task {
 public:
  virtual ~Task() = default;

  /// How the task is called in what is written.
  virtual const std::string& name() const = 0;

  /// The names of its templates, at least one. `render` takes their index.
  virtual const std::vector<std::string>& template_names() const = 0;

  /// Throws `Error` starting with `place` where `record` lacks a field that a template reads, or
  /// its label is none of the task's.
  virtual void check(const Json& record, const std::string& place) const = 0;

  /// The texts of the record that are not its label, a line each: what duplicates share.
  virtual std::string content(const Json& record) const = 0;

  /// The instruction that template `index` makes of `record`, the same for the same `seed`; nothing
  /// where the template has nothing to say of it (one of the two texts is empty). Throws `Error`
  /// starting with `place` as `check` does, and where the template raises.
  virtual std::optional<Instruction> render(const Json& record,
                                            const std::string& place,
                                            std::size_t index,
                                            std::uint64_t seed) const = 0;
};

/// The task in `path`: our own TOML (.toml, see task_file.h) or a file of PromptSource (.yaml,
/// .yml, see promptsource.h). `use`: the templates to take; all where it is empty. Throws `Error`
/// naming the file for another ending, a malformed file, and an unknown name in `use`.
std::shared_ptr<const Task> read_task(const std::filesystem::path& path,
                                      const std::vector<std::string>& use = {});

}  // namespace hone
