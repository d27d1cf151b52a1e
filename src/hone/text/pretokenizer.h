// How a tokenizer cuts a text into the pieces that its model then encodes one by one: the
// "pre_tokenizer" of tokenizer.json.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hone/base/json_io.h>
#include <hone/text/byte_level.h>
#include <hone/text/regex.h>

namespace hone {

/// Pieces of a text, in order. They point into that text or into `rewritten`.
struct Pieces {
  std::vector<std::string_view> views;
  std::deque<std::string> rewritten;
};

/// A sequence of cuts and rewritings.
class PreTokenizer {
 public:
  /// One piece: the whole text.
  PreTokenizer() = default;

  /// From the JSON of tokenizer.json: null, ByteLevel, Split, Digits, Metaspace, Whitespace,
  /// WhitespaceSplit, Punctuation, Sequence. Throws `Error` starting with `place` for anything
  /// else.
  PreTokenizer(const Json& description, const std::string& place);

  /// Whether the model must read each byte of a piece as its character of the byte-level alphabet.
  /// (That last step is left to the model, which has the ids of the 256 characters at hand.)
  bool maps_bytes() const { return maps_bytes_; }

  /// Where a run of text stands.
  struct Position {
    bool begins_text = true;  ///< nothing comes before it
    bool prefix = true;       ///< a dummy space may be put in front of it
  };

  /// The pieces of `text` (valid UTF-8), none of them empty.
  Pieces split(std::string_view text, Position position) const;

 private:
  enum class Behaviour { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  enum class Scheme { kAlways, kFirst, kNever };
  enum class Kind { kSplit, kPrefixSpace, kMapBytes, kMetaspace };
  struct Step {
    Kind kind;
    std::optional<Regex> pattern = std::nullopt;
    Behaviour behaviour = Behaviour::kIsolated;
    bool invert = false;
    std::string replacement = {};
    Scheme scheme = Scheme::kAlways;
  };
  struct Piece;

  void add(const Json& description, const std::string& place);
  void add_split(std::string_view pattern,
                 const std::string& place,
                 Behaviour behaviour = Behaviour::kIsolated,
                 bool invert = false);
  void add_metaspace(const Json& description, const std::string& place);
  static Behaviour parse_behaviour(const std::string& name, const std::string& place);
  void apply(const Step& step, Position position, Pieces& pieces) const;
  static void cut(const Step& step, RegexMatcher& matcher, std::string_view text, Pieces& pieces);
  static void merge(Behaviour behaviour, std::vector<Piece>& found, Pieces& pieces);

  ByteAlphabet alphabet_;
  std::vector<Step> steps_;
  bool maps_bytes_ = false;
};

}  // namespace hone
