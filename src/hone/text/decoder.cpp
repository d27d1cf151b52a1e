#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/decoder.h>
#include <hone/text/json_fields.h>
#include <hone/text/normalizer.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The byte that a token such as `<0x0A>` stands for.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  const int high = hex_digit(token[3]);
  const int low = hex_digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

}  // namespace

TokenDecoder::TokenDecoder(const Json& description, const std::string& place) {
  joined_by_spaces_ = description.is_null();
  add(description, place);
}

void TokenDecoder::add_replace(const Json& description, const std::string& place) {
  const JsonFields fields(description, place);
  const JsonFields pattern(fields.object("pattern"), fields.place_of("pattern"));
  const auto search = pattern.string("String");
  // After Fuse the text is one; a longer search could match across two tokens.
  if (fused_ && !search.empty() && character_at(search, 0).bytes != search.size()) {
    fail(place, ": Replace of ", quote(search), " after Fuse is not supported");
  }
  replacements_.emplace_back(search, fields.string("content"));
}

void TokenDecoder::add_strip(const Json& description, const std::string& place) {
  const JsonFields fields(description, place);
  const auto start = fields.integer("start", 0);
  if (start < 0) fail(place, ": start must not be negative, got ", start);
  if (fields.integer("stop", 0) != 0) fail(place, ": Strip at the end is not supported");
  const Strip strip{fields.string("content", " "), static_cast<std::size_t>(start)};
  if (strip.character.empty()) fail(place, ": Strip needs a character");
  (fused_ ? text_strip_ : token_strip_) = strip;
}

void TokenDecoder::add_metaspace(const Json& description, const std::string& place) {
  const JsonFields fields(description, place);
  metaspace_ = fields.string("replacement", kWordMarker);
  const auto* scheme = fields.find("prepend_scheme");
  drops_first_metaspace_ = scheme != nullptr ? fields.string("prepend_scheme") != "never"
                                             : fields.boolean("add_prefix_space", true);
}

void TokenDecoder::add(const Json& description, const std::string& place) {
  if (description.is_null()) return;
  const JsonFields fields(description, place);
  const auto type = fields.string("type");
  if (type == "Sequence") {
    for (const auto& member : fields.array("decoders")) add(member, place);
  } else if (type == "ByteLevel") {
    byte_level_ = true;
  } else if (type == "ByteFallback") {
    byte_fallback_ = true;
  } else if (type == "Fuse") {
    fused_ = true;
  } else if (type == "Metaspace") {
    add_metaspace(description, place);
  } else if (type == "Replace") {
    add_replace(description, place);
  } else if (type == "Strip") {
    add_strip(description, place);
  } else {
    fail(place, ": type ", quote(type), " is not supported");
  }
}

std::string TokenDecoder::bytes_of(std::string_view token,
                                   bool added,
                                   const DecodeState& state) const {
  if (byte_level_) {
    const auto bytes = added ? std::nullopt : alphabet_.read(token);
    return bytes.value_or(std::string(token));
  }
  if (byte_fallback_) {
    if (const auto byte = byte_of(token)) return std::string(1, *byte);
  }
  std::string text(token);
  for (const auto& [search, content] : replacements_) text = replace_all(text, search, content);
  if (!metaspace_.empty()) {
    const bool drop = drops_first_metaspace_ && state.tokens == 0;
    text = replace_all(text, metaspace_, drop ? "" : " ");
  }
  if (token_strip_) {
    for (std::size_t i = 0; i < token_strip_->count; ++i) {
      if (!text.starts_with(token_strip_->character)) break;
      text.erase(0, token_strip_->character.size());
    }
  }
  return text;
}

void TokenDecoder::strip_start(std::string& bytes, DecodeState& state) const {
  while (state.at_start && !bytes.empty()) {
    if (!text_strip_ || state.stripped == text_strip_->count ||
        !bytes.starts_with(text_strip_->character)) {
      state.at_start = false;
    } else {
      bytes.erase(0, text_strip_->character.size());
      ++state.stripped;
    }
  }
}

void TokenDecoder::push(std::string_view token,
                        bool added,
                        DecodeState& state,
                        std::string& out) const {
  auto bytes = bytes_of(token, added, state);
  if (joined_by_spaces_ && state.tokens > 0) bytes.insert(0, 1, ' ');
  ++state.tokens;
  strip_start(bytes, state);
  if (!state.pending.empty()) bytes.insert(0, state.pending);
  const auto read = append_valid_utf8(bytes, false, out);
  state.pending.assign(bytes, read);
}

void TokenDecoder::finish(DecodeState& state, std::string& out) const {
  append_valid_utf8(state.pending, true, out);
  state = {};
}

}  // namespace hone
