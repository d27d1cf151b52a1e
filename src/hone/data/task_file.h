// Task files: our own format for instruction templates.
//
//   task = "sentiment"
//   fields = ["text"]                    # what every record has
//   label = "label"                      # the field with the answer
//   labels = ["negative", "positive"]    # its values; 0 and 1 mean them too
//
//   [[template]]
//   name = "is_it_good"
//   prompt = """
//   {{ text }}
//   Did they like it?"""
//   completion = "{{ answer }}"
//   choices = ["no", "yes"]              # the words of this template for the labels
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <hone/data/task.h>

namespace hone {

/// Reads a task file.
///
/// Keys of the file: `task` (its name), `about` (for people), `fields`, `optional` (fields that a
/// record may lack; they are none then), `label`, `labels`, `choices` (the words for the labels,
/// default: the labels themselves), `choices_from` (instead of the two: a field of the record with
/// its own list of choices). Of a `[[template]]`: `name`, `prompt`, `completion` (default:
/// `{{ answer }}`), `choices`.
///
/// `prompt` and `completion` are Jinja with Jinja's own white space rules; white space at their
/// ends is dropped. They read the fields, and of a task with a label: `choices` (list of texts),
/// `label` (number of the right one, from 0) and `answer` (its words). A record's label is one of
/// `labels`, or a number (as number or text) from 0. No field may be called like the three. Without
/// `labels` and `choices_from` it is any text, which is then `answer`.
///
/// Throws `Error` naming file and line for unknown keys, missing ones, a number of choices that
/// does not fit, templates of one name, Jinja that does not compile, and a variable in it that is
/// no field.
std::shared_ptr<const Task> read_task_file(const std::filesystem::path& path,
                                           const std::vector<std::string>& use = {});

}  // namespace hone
