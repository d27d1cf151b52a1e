#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/json_fields.h>
#include <hone/text/normalizer.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

std::string replace_pattern(std::string_view text, const Regex& pattern, std::string_view content) {
  std::string out;
  RegexMatcher matcher(pattern);
  std::size_t at = 0;
  while (const auto match = matcher.find(text, at)) {
    if (match->end == match->begin) fail("normalizer: a Replace pattern matches nothing at all");
    out.append(text, at, match->begin - at).append(content);
    at = match->end;
  }
  return out.append(text, at);
}

std::string_view strip(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const auto first = character_at(text, 0);
    if (!is_white_space(first.code_point)) break;
    text.remove_prefix(first.bytes);
  }
  while (right && !text.empty()) {
    const auto last = character_before(text, text.size());
    if (!is_white_space(last.code_point)) break;
    text.remove_suffix(last.bytes);
  }
  return text;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view search, std::string_view content) {
  std::string out;
  out.reserve(text.size());
  for (;;) {
    const auto found = search.empty() ? std::string_view::npos : text.find(search);
    out.append(text.substr(0, found));
    if (found == std::string_view::npos) return out;
    out.append(content);
    text.remove_prefix(found + search.size());
  }
}

Normalizer::Normalizer(const Json& description, const std::string& place) {
  add(description, place);
}

void Normalizer::add(const Json& description, const std::string& place) {
  if (description.is_null()) return;
  const JsonFields fields(description, place);
  const auto type = fields.string("type");
  if (type == "Sequence") {
    for (const auto& member : fields.array("normalizers")) add(member, place);
  } else if (type == "NFC") {
    steps_.push_back({Kind::kNfc, {}, {}, {}});
  } else if (type == "NFD") {
    steps_.push_back({Kind::kNfd, {}, {}, {}});
  } else if (type == "NFKC") {
    steps_.push_back({Kind::kNfkc, {}, {}, {}});
  } else if (type == "NFKD") {
    steps_.push_back({Kind::kNfkd, {}, {}, {}});
  } else if (type == "Lowercase") {
    steps_.push_back({Kind::kLowercase, {}, {}, {}});
  } else if (type == "Prepend") {
    steps_.push_back({Kind::kPrepend, fields.string("prepend"), {}, {}});
  } else if (type == "Strip") {
    steps_.push_back({Kind::kStrip,
                      {},
                      {},
                      {},
                      fields.boolean("strip_left", false),
                      fields.boolean("strip_right", false)});
  } else if (type == "Replace") {
    const JsonFields pattern(fields.object("pattern"), fields.place_of("pattern"));
    const auto content = fields.string("content");
    if (pattern.find("String") != nullptr) {
      steps_.push_back({Kind::kReplace, pattern.string("String"), content, {}});
    } else {
      steps_.push_back({Kind::kReplacePattern, {}, content, Regex(pattern.string("Regex"), place)});
    }
  } else {
    fail(place, ": type ", quote(type), " is not supported");
  }
}

std::string Normalizer::apply(const Step& step, std::string text, bool prefix) {
  switch (step.kind) {
    case Kind::kNfc:
      return normalize(text, NormalForm::kNfc);
    case Kind::kNfd:
      return normalize(text, NormalForm::kNfd);
    case Kind::kNfkc:
      return normalize(text, NormalForm::kNfkc);
    case Kind::kNfkd:
      return normalize(text, NormalForm::kNfkd);
    case Kind::kPrepend:
      if (prefix && !text.empty()) text.insert(0, step.text);
      return text;
    case Kind::kReplace:
      return replace_all(text, step.text, step.content);
    case Kind::kReplacePattern:
      return replace_pattern(text, *step.pattern, step.content);
    case Kind::kLowercase:
      return lowercase(text);
    case Kind::kStrip:
      return std::string(strip(text, step.left, step.right));
  }
  return text;
}

std::string Normalizer::apply(std::string_view text, bool prefix) const {
  std::string out(text);
  for (const auto& step : steps_) out = apply(step, std::move(out), prefix);
  return out;
}

}  // namespace hone
