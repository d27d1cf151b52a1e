#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/nearest.h>
#include <hone/base/split_mix.h>
#include <hone/base/utf8.h>
#include <hone/data/intake.h>
#include <hone/data/mixture.h>
#include <hone/data/task_support.h>
#include <hone/data/words.h>

namespace hone {
namespace {

/// Throws `Error` for a name that is neither a source nor a task.
void check_unseen(const std::vector<MixSource>& sources, const std::vector<std::string>& unseen) {
  std::vector<std::string> names;
  for (const auto& source : sources) names.insert(names.end(), {source.name, source.task_name()});
  for (const auto& name : unseen) {
    if (std::ranges::find(names, name) == names.end())
      fail("unseen: no source or task is called ", quote(name), did_you_mean(name, names));
  }
}

}  // namespace

void validate(const CareOptions& options) {
  if (!(options.near_threshold >= 0.0 && options.near_threshold <= 1.0))
    fail("near must be from 0 (off) to 1, got ", options.near_threshold);
  if (!(options.held_out >= 0.0 && options.held_out < 1.0))
    fail("held_out must be at least 0 and below 1, got ", options.held_out);
  if (options.min_words < 0) fail("min_words must be 0 or more, got ", options.min_words);
  if (options.max_words < 0) fail("max_words must be 0 (any) or more, got ", options.max_words);
  if (options.max_words > 0 && options.max_words < options.min_words)
    fail("max_words must not be below min_words, got ", options.max_words);
  if (options.n_gram < 1) fail("n_gram must be at least 1, got ", options.n_gram);
}

Intake::Intake(const std::vector<MixSource>& sources,
               const CareOptions& options,
               const std::filesystem::path& folder)
    : sources_(sources),
      options_(options),
      spool_(folder),
      intake_(sources.size()),
      contamination_(static_cast<std::size_t>(std::max<std::int64_t>(options.n_gram, 1))) {
  validate(options_);
  check_unseen(sources_, options_.unseen);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    intake_[i].unseen = std::ranges::any_of(options_.unseen, [&](const std::string& name) {
      return name == sources[i].name || name == sources[i].task_name();
    });
  }
  for (const auto& path : options_.evaluation) contamination_.add_file(path);
  if (options_.near_threshold == 0.0) return;
  // Every kept record is kept by `near_` too, so its numbers are rows of the spool.
  near_.emplace(NearOptions{.threshold = options_.near_threshold, .seed = options_.seed},
                [this](std::size_t number) {
                  const auto kept = at(number);
                  return content_of(kept.source, kept.record);
                });
}

void Intake::read(const std::function<void()>& tick) {
  for (const bool unseen : {true, false}) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (intake_[i].unseen == unseen) read_source(i, tick);
    }
  }
}

void Intake::read_source(std::size_t source, const std::function<void()>& tick) {
  for_each_source_record(sources_[source], [&](const Json& record, const std::string& place) {
    ++intake_[source].read;
    take(source, record, place);
    if (tick) tick();
  });
}

void Intake::take(std::size_t source, const Json& record, const std::string& place) {
  auto& intake = intake_[source];
  const auto content = content_of(source, record);
  const auto reason = reason_to_drop(content, place);
  if (!reason.empty()) return intake.dropped.add(reason, place);
  auto& side = intake.unseen || falls_to_held_out(content) ? intake.held_out : intake.train;
  side.push_back(spool_.size());
  spool_.append(concat(source, "\n", to_json_line(record), "\n", place));
}

/// Why a record with this content is dropped; empty where it is kept.
std::string Intake::reason_to_drop(const std::string& content, const std::string& place) {
  const auto words = static_cast<std::int64_t>(count_words(content));
  if (words < options_.min_words) return concat("fewer than ", options_.min_words, " words");
  if (options_.max_words > 0 && words > options_.max_words)
    return concat("more than ", options_.max_words, " words");
  if (auto match = contamination_.find(content)) {
    contaminated_.push_back({place, std::move(*match)});
    if (!options_.keep_contaminated) return "words of an evaluation file";
  }
  if (!options_.keep_duplicates && exact_.find_or_add(content))
    return "the same words as an earlier record";
  if (near_ && near_->find_or_add(content)) return "nearly the same as an earlier record";
  return {};
}

std::string Intake::content_of(std::size_t source, const Json& record) const {
  if (const auto& task = sources_[source].task) return task->content(record);
  std::string texts;
  append_texts(record, texts);
  return texts;
}

bool Intake::falls_to_held_out(const std::string& content) const {
  const auto hash = hash_words(normalized_words(content));
  return SplitMix(derive_seed(options_.seed, hash, 3)).uniform() < options_.held_out;
}

SpooledRecord Intake::at(std::uint64_t index) {
  const auto row = spool_.at(index);
  const auto first = row.find('\n');
  const auto second = row.find('\n', first + 1);
  SpooledRecord kept{
      .source = std::stoul(row.substr(0, first)), .place = row.substr(second + 1), .record = {}};
  kept.record = parse_json(std::string_view(row).substr(first + 1, second - first - 1), kept.place);
  return kept;
}

}  // namespace hone
