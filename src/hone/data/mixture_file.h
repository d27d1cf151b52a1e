// Mixture files: which sources are mixed, and how their files become the records of a task.
//
//   [[source]]
//   name = "reviews"
//   templates = "sentiment.toml"               # beside this file; none: rows pass as they are
//   files = [
//     {path = "pos.txt", set = {label = "positive"}},
//     {path = "neg.txt", set = {label = "negative"}},
//     {path = "more.tsv", columns = ["text", "label"]},
//   ]
//   fields = {text = "{{ text | trim }}"}      # Jinja over the record as the file has it
//   integers = ["label"]                       # these fields are whole numbers, not texts
//   use = ["is_it_good"]                       # these templates alone
//   weight = 2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hone/data/labelled.h>
#include <hone/data/task.h>
#include <hone/text/jinja.h>

namespace hone {

/// A source of records.
struct MixSource {
  std::string name;
  std::vector<LabelledFile> files;
  /// What makes instructions of its records; null: its rows are written as they are.
  std::shared_ptr<const Task> task{};
  /// Fields that each record gets, or has replaced: a text that Jinja makes of the record as the
  /// file has it.
  std::vector<std::pair<std::string, jinja::Template>> fields{};
  /// Fields that become whole numbers if they are texts; PromptSource's templates take labels so.
  std::vector<std::string> integers{};
  std::optional<double> weight{};  ///< its part of the mixture; all sources have one, or none

  /// The task's name; the source's own where it has no task.
  const std::string& task_name() const { return task ? task->name() : name; }
};

/// Calls `each(record, place)` for every record of the source, its `fields` filled in, in the order
/// of its files. Throws `Error` naming the place for what is malformed and for a record that does
/// not suit the task.
void for_each_source_record(const MixSource& source,
                            const std::function<void(Json record, const std::string& place)>& each);

/// Reads a mixture file with its template files; relative paths in it start at its folder. Throws
/// `Error` naming file and line for unknown keys, names that come twice, weights of some sources
/// only, and whatever is wrong with the templates.
std::vector<MixSource> read_mixture(const std::filesystem::path& path);

}  // namespace hone
