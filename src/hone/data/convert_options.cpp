// Names, limits and the report of a conversion.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/base/progress.h>
#include <hone/data/convert.h>

namespace hone {
void validate(const ConvertOptions& options) {
  if (options.max_length < 0) fail("max_length must be 0 (any) or more, got ", options.max_length);
  if (options.max_length == 1)
    fail("max_length must be at least 2: the first token of a row is never trained");
}

TrainOn train_on(const std::string& name) {
  return choose("train-on", name,
                std::array{std::pair{"assistant", TrainOn::kAssistant},
                           std::pair{"last", TrainOn::kLast}, std::pair{"all", TrainOn::kAll}});
}

void add(ConvertSummary& summary, const ConvertSummary& later) {
  summary.read += later.read;
  summary.written += later.written;
  summary.dropped.add(later.dropped);
  summary.noted.add(later.noted);
  summary.tokens += later.tokens;
  summary.trained_tokens += later.trained_tokens;
  summary.longest = std::max(summary.longest, later.longest);
}

std::vector<std::string> describe(const ConvertSummary& summary) {
  std::vector<std::string> lines;
  lines.push_back(concat("read ", format_count(summary.read), ", written ",
                         format_count(summary.written), ", dropped ",
                         format_count(summary.read - summary.written)));
  const auto add = [&](const char* kind, const Tally& tally) {
    for (const auto& entry : tally.entries()) {
      lines.push_back(concat(kind, ": ", entry.count, " of ", summary.read, ": ", entry.what,
                             ", first ", entry.first_place));
    }
  };
  add("dropped", summary.dropped);
  add("note", summary.noted);
  const auto share = summary.tokens == 0 ? 0.0
                                         : 100.0 * static_cast<double>(summary.trained_tokens) /
                                               static_cast<double>(summary.tokens);
  lines.push_back(concat("trained on ", format_count(summary.trained_tokens), " of ",
                         format_count(summary.tokens), " tokens (", format_count(share),
                         " %), longest row ", summary.longest));
  return lines;
}

}  // namespace hone
