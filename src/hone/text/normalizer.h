// What a tokenizer does to a text before it splits it: the "normalizer" of tokenizer.json.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/regex.h>

namespace hone {

/// A sequence of text rewritings, applied to each run of text between added tokens.
class Normalizer {
 public:
  /// Does nothing.
  Normalizer() = default;

  /// From the JSON of tokenizer.json: null, NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase,
  /// Strip, Sequence. Throws `Error` starting with `place` for anything else.
  Normalizer(const Json& description, const std::string& place);

  /// Whether every text stays as it is.
  bool is_identity() const { return steps_.empty(); }

  /// The rewritten `text` (valid UTF-8). Without `prefix` nothing is prepended.
  std::string apply(std::string_view text, bool prefix) const;

 private:
  enum class Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kPrepend,
    kReplace,
    kReplacePattern,
    kLowercase,
    kStrip
  };
  struct Step {
    Kind kind;
    std::string text;     ///< what is prepended, or searched
    std::string content;  ///< what takes its place
    std::optional<Regex> pattern;
    bool left = false;
    bool right = false;
  };

  void add(const Json& description, const std::string& place);
  static std::string apply(const Step& step, std::string text, bool prefix);

  std::vector<Step> steps_;
};

/// `text` with every `search` replaced by `content`.
std::string replace_all(std::string_view text, std::string_view search, std::string_view content);

}  // namespace hone
