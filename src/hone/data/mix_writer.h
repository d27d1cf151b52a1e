// The files of a mixture: kept records through templates, row by row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include <hone/base/files.h>
#include <hone/data/intake.h>
#include <hone/data/length_statistics.h>
#include <hone/data/mix.h>
#include <hone/data/mixture.h>

namespace hone {

/// Counts of the rows written of one source.
struct SourceOutput {
  std::int64_t train = 0;               ///< rows in train.jsonl
  std::int64_t held_out = 0;            ///< rows in held_out.jsonl or unseen.jsonl
  std::int64_t repeated = 0;            ///< of `train`, rows whose record was written before
  Tally skipped;                        ///< rows of which their template made nothing
  std::vector<std::int64_t> templates;  ///< training rows of each template
};

/// Writes rows of an intake.
class MixWriter {
 public:
  MixWriter(const std::vector<MixSource>& sources, const MixOptions& options, Intake& intake);

  /// Writes the training rows `picks` to `path`; the rows that they number are those of
  /// `SourceIntake::train`. Gives the number of rows written.
  std::int64_t write_train(const std::vector<Pick>& picks,
                           const std::filesystem::path& path,
                           const std::function<void()>& tick);

  /// Writes every record set apart of the sources that are `unseen` (or are not), each once.
  std::int64_t write_set_apart(bool unseen,
                               const std::filesystem::path& path,
                               const std::function<void()>& tick);

  const std::vector<SourceOutput>& outputs() const { return outputs_; }
  /// Words of the training rows that templates made.
  const LengthStatistics& prompt_words() const { return prompt_words_; }
  const LengthStatistics& completion_words() const { return completion_words_; }

 private:
  /// The row made of spool row `index` when it is taken for the `round`-th time, from 0; null where
  /// its template makes nothing of it.
  Json make_row(std::uint64_t index, std::uint32_t round, bool is_train);
  Json lay_out(const Instruction& instruction) const;

  const std::vector<MixSource>& sources_;
  const MixOptions& options_;
  Intake& intake_;
  std::vector<SourceOutput> outputs_;
  LengthStatistics prompt_words_, completion_words_;
};

}  // namespace hone
