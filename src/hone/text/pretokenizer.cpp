#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/normalizer.h>
#include <hone/text/pretokenizer.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

/// What is a word for the Whitespace pre-tokenizer: as `is_word_character`, not as `\w` in patterns
/// of files.
constexpr std::string_view kWord =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200c}\\x{200d}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}"
    "\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}";

}  // namespace

/// A match of a pattern, or what lies between two.
struct PreTokenizer::Piece {
  std::string_view text;
  bool match;
};

PreTokenizer::PreTokenizer(const Json& description, const std::string& place) {
  add(description, place);
  if (!steps_.empty() && steps_.back().kind == Kind::kMapBytes) {
    steps_.pop_back();
    maps_bytes_ = true;
  }
}

void PreTokenizer::add_split(std::string_view pattern,
                             const std::string& place,
                             Behaviour behaviour,
                             bool invert) {
  steps_.push_back({Kind::kSplit, Regex(pattern, place), behaviour, invert, {}});
}

void PreTokenizer::add_metaspace(const Json& description, const std::string& place) {
  const JsonFields fields(description, place);
  const auto replacement = fields.string("replacement", kWordMarker);
  const auto scheme = fields.string("prepend_scheme",
                                    fields.boolean("add_prefix_space", true) ? "always" : "never");
  Step step{Kind::kMetaspace, {}, Behaviour::kIsolated, false, replacement};
  if (scheme == "first") {
    step.scheme = Scheme::kFirst;
  } else if (scheme == "never") {
    step.scheme = Scheme::kNever;
  } else if (scheme != "always") {
    fail(place, ": prepend_scheme must be always, first or never, got ", quote(scheme));
  }
  steps_.push_back(std::move(step));
  if (fields.boolean("split", true)) {
    add_split(escape_pattern(replacement), place, Behaviour::kMergedWithNext);
  }
}

PreTokenizer::Behaviour PreTokenizer::parse_behaviour(const std::string& name,
                                                      const std::string& place) {
  if (name == "Removed") return Behaviour::kRemoved;
  if (name == "Isolated") return Behaviour::kIsolated;
  if (name == "MergedWithPrevious") return Behaviour::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behaviour::kMergedWithNext;
  if (name == "Contiguous") return Behaviour::kContiguous;
  fail(place, ": behavior ", quote(name), " is not supported");
}

void PreTokenizer::add(const Json& description, const std::string& place) {
  if (description.is_null()) return;
  const JsonFields fields(description, place);
  const auto type = fields.string("type");
  if (type == "Sequence") {
    for (const auto& member : fields.array("pretokenizers")) add(member, place);
  } else if (type == "ByteLevel") {
    if (fields.boolean("add_prefix_space", true)) steps_.push_back({Kind::kPrefixSpace});
    if (fields.boolean("use_regex", true)) add_split(kGpt2Pattern, place);
    steps_.push_back({Kind::kMapBytes});
  } else if (type == "Split") {
    const JsonFields pattern(fields.object("pattern"), fields.place_of("pattern"));
    add_split(pattern.find("String") != nullptr ? escape_pattern(pattern.string("String"))
                                                : pattern.string("Regex"),
              place, parse_behaviour(fields.string("behavior"), place),
              fields.boolean("invert", false));
  } else if (type == "Digits") {
    const bool single = fields.boolean("individual_digits", false);
    add_split("\\p{N}", place, single ? Behaviour::kIsolated : Behaviour::kContiguous);
  } else if (type == "Metaspace") {
    add_metaspace(description, place);
  } else if (type == "Whitespace") {
    add_split(concat("[", kWord, "]+|[^", kWord, "\\s]+"), place, Behaviour::kRemoved, true);
  } else if (type == "WhitespaceSplit") {
    add_split("\\s", place, Behaviour::kRemoved);
  } else if (type == "Punctuation") {
    add_split("[\\p{P}$+<=>\\^`|~]", place,
              parse_behaviour(fields.string("behavior", "Isolated"), place));
  } else {
    fail(place, ": type ", quote(type), " is not supported");
  }
}

void PreTokenizer::merge(Behaviour behaviour, std::vector<Piece>& found, Pieces& pieces) {
  const auto joined = [](std::string_view a, std::string_view b) {
    return std::string_view(a.data(), static_cast<std::size_t>(b.data() + b.size() - a.data()));
  };
  const bool backwards = behaviour == Behaviour::kMergedWithNext;
  if (backwards) std::reverse(found.begin(), found.end());
  std::vector<std::string_view> out;
  bool last_match = false;
  for (const auto& piece : found) {
    const bool join = behaviour == Behaviour::kContiguous ? piece.match == last_match
                                                          : piece.match && !last_match;
    if (join && !out.empty()) {
      out.back() = backwards ? joined(piece.text, out.back()) : joined(out.back(), piece.text);
    } else {
      out.push_back(piece.text);
    }
    last_match = piece.match;
  }
  if (backwards) std::reverse(out.begin(), out.end());
  for (const auto& text : out) {
    if (!text.empty()) pieces.views.push_back(text);
  }
}

void PreTokenizer::cut(const Step& step,
                       RegexMatcher& matcher,
                       std::string_view text,
                       Pieces& pieces) {
  const bool simple =
      step.behaviour == Behaviour::kIsolated || step.behaviour == Behaviour::kRemoved;
  std::vector<Piece> found;
  const auto take = [&](std::size_t begin, std::size_t end, bool match) {
    const auto piece = text.substr(begin, end - begin);
    match = match != step.invert;
    if (!simple) {
      found.push_back({piece, match});
    } else if (!piece.empty() && !(match && step.behaviour == Behaviour::kRemoved)) {
      pieces.views.push_back(piece);
    }
  };
  std::size_t done = 0;
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto match = matcher.find(text, from);
    if (!match) break;
    if (match->begin > done) take(done, match->begin, false);
    take(match->begin, match->end, true);
    done = match->end;
    from = done;
    // An empty match cuts and moves on by a character.
    if (match->begin == match->end) from += from < text.size() ? character_at(text, from).bytes : 1;
  }
  if (done < text.size()) take(done, text.size(), false);
  if (!simple) merge(step.behaviour, found, pieces);
}

void PreTokenizer::apply(const Step& step, Position position, Pieces& pieces) const {
  const auto before = std::exchange(pieces.views, {});
  if (step.kind == Kind::kSplit) {
    RegexMatcher matcher(*step.pattern);
    for (const auto& view : before) cut(step, matcher, view, pieces);
    return;
  }
  bool first = true;
  for (const auto& view : before) {
    // What the text goes on from has been given its space already.
    const bool prefix = position.prefix || !first;
    std::string text;
    if (step.kind == Kind::kMapBytes) {
      text = alphabet_.write(view);
    } else if (step.kind == Kind::kPrefixSpace) {
      if (prefix && !view.starts_with(' ')) text += ' ';
      text += view;
    } else {
      text = replace_all(view, " ", step.replacement);
      const bool wanted = step.scheme == Scheme::kAlways ||
                          (step.scheme == Scheme::kFirst && first && position.begins_text);
      if (wanted && prefix && !text.starts_with(step.replacement)) {
        text.insert(0, step.replacement);
      }
    }
    first = false;
    pieces.views.push_back(pieces.rewritten.emplace_back(std::move(text)));
  }
}

Pieces PreTokenizer::split(std::string_view text, Position position) const {
  Pieces pieces;
  if (text.empty()) return pieces;
  pieces.views.push_back(text);
  for (const auto& step : steps_) apply(step, position, pieces);
  return pieces;
}

}  // namespace hone
