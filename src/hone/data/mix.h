// From labelled records of several sources to a folder of instruction JSONL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/data/intake.h>
#include <hone/data/mixture_file.h>

namespace hone {

/// The form of a written row; each also has `task` and `template`.
enum class MixLayout {
  kPromptCompletion,  ///< `prompt`, and `completion` with the separator in front
  kMessages,          ///< `messages`: what the user says and what the assistant answers
};

/// `prompt-completion` or `messages`. Throws `Error` for another name.
MixLayout mix_layout(const std::string& name);

struct MixOptions {
  CareOptions care{};      ///< what is dropped and what is set apart; its seed decides all draws
  std::uint64_t rows = 0;  ///< rows to train on; 0: as many as there are without repeating any
  std::uint64_t cap =
      0;  ///< a source counts for so many rows at most; 0: for all. Not with weights
  MixLayout layout = MixLayout::kPromptCompletion;
  std::string separator = "\n";  ///< between a prompt and its completion
  bool operator==(const MixOptions&) const = default;
};

/// What was written, for people and for programs.
struct MixSummary {
  std::int64_t train = 0, held_out = 0, unseen = 0;  ///< rows of each file
  std::vector<std::string> lines;  ///< every row that was dropped is in them, by reason
  Json report;                     ///< as in summary.json, which data/README.md describes
};

/// Reads the sources and writes into `folder`, which must exist: `train.jsonl`; `held_out.jsonl`
/// (the share set apart of each source) and `unseen.jsonl` (the sources set apart as a whole), if
/// asked for, each record once; `contaminated.jsonl` if evaluation files are given; and
/// `summary.json`.
///
/// Sources are mixed by their weights if they have them, else in proportion to their rows with a
/// cap (mixture.h). Each record goes through one template, drawn by seed, source and record; a
/// record that is taken again, through the next one. Rows that are written as they are get the key
/// `task` if they have none. `tick` is called for every record read and every row written and may
/// throw to end it. Throws `Error` where nothing is left to train on.
MixSummary mix(const std::vector<MixSource>& sources,
               const MixOptions& options,
               const std::filesystem::path& folder,
               const std::function<void()>& tick = {});

}  // namespace hone
