// The data care: which records of the sources are kept, on which side of the split, and why the
// others are not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/data/contamination.h>
#include <hone/data/duplicates.h>
#include <hone/data/mixture_file.h>
#include <hone/data/row_spool.h>
#include <hone/data/tally.h>

namespace hone {

/// What is dropped and what is set apart. All of it looks at a record's content: its texts but the
/// label, before any template. Templates would make strangers alike.
struct CareOptions {
  bool keep_duplicates = false;  ///< also of records whose words are the same
  /// Records as similar as this are dropped but the first (see NearDuplicates); 0: none are.
  double near_threshold = 0.0;
  std::int64_t min_words = 1;         ///< fewest words of a record's content
  std::int64_t max_words = 0;         ///< most words; 0: any
  double held_out = 0.0;              ///< share of records set apart, in [0, 1)
  std::vector<std::string> unseen{};  ///< sources or tasks, by name, set apart as a whole
  std::vector<std::filesystem::path> evaluation{};  ///< files that training must not contain
  std::int64_t n_gram = 13;        ///< words that a record must share with them to be found
  bool keep_contaminated = false;  ///< count and list such records, but keep them
  std::uint64_t seed = 0;
  bool operator==(const CareOptions&) const = default;
};

/// Throws `Error` for an option out of its range.
void validate(const CareOptions& options);

/// What came of one source: `read` = `train.size() + held_out.size() + dropped.total()`.
struct SourceIntake {
  std::int64_t read = 0;
  bool unseen = false;  ///< set apart as a whole; its records are in `held_out`
  Tally dropped;
  std::vector<std::uint64_t> train;  ///< rows of the spool
  std::vector<std::uint64_t> held_out;
};

/// A kept record.
struct SpooledRecord {
  std::size_t source = 0;
  std::string place;
  Json record;
};

/// Reads all records once. Sources that are unseen come first, so that of equal records theirs is
/// the one that stays. Which side a record falls on depends on its words and the seed alone, not on
/// its place.
///
/// Holds 16 bytes for each record kept, besides what ExactDuplicates (about 60), NearDuplicates
/// (about 1 KB, if asked for) and Contamination hold; the records themselves are on disk.
class Intake {
 public:
  /// `folder`: where the records are kept meanwhile. `sources` must outlive it.
  Intake(const std::vector<MixSource>& sources,
         const CareOptions& options,
         const std::filesystem::path& folder);

  /// Reads the sources; `tick` is called for every record and may throw to end it.
  void read(const std::function<void()>& tick = {});

  const std::vector<SourceIntake>& sources() const { return intake_; }
  const Contamination& contamination() const { return contamination_; }

  /// A record that holds words of an evaluation text.
  struct Contaminated {
    std::string place;
    Contamination::Match match;
  };
  const std::vector<Contaminated>& contaminated() const { return contaminated_; }

  /// Row `index` of the spool.
  SpooledRecord at(std::uint64_t index);

 private:
  void read_source(std::size_t source, const std::function<void()>& tick);
  void take(std::size_t source, const Json& record, const std::string& place);
  std::string reason_to_drop(const std::string& content, const std::string& place);
  std::string content_of(std::size_t source, const Json& record) const;
  bool falls_to_held_out(const std::string& content) const;

  const std::vector<MixSource>& sources_;
  CareOptions options_;
  RowSpool spool_;
  std::vector<SourceIntake> intake_;
  ExactDuplicates exact_;
  std::optional<NearDuplicates> near_;
  Contamination contamination_;
  std::vector<Contaminated> contaminated_;
};

}  // namespace hone
