#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <hone/text/known_splits.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json sequence(Json first, Json second) {
  return {{"type", "Sequence"},
          {"pretokenizers", Json::array({std::move(first), std::move(second)})}};
}

/// `digits` is the pattern of a number: it is all that differs between Qwen2 and Llama 3.
Json split_at_words(const std::string& digits) {
  const std::string pattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" + digits +
                              R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json replace(std::string_view search, std::string_view content) {
  return {{"type", "Replace"}, {"pattern", {{"String", search}}}, {"content", content}};
}

}  // namespace

Json byte_level_split() {
  return byte_level(true);
}

Json digits_byte_level_split() {
  return sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level(true));
}

Json qwen2_split() {
  return sequence(split_at_words(R"(\p{N})"), byte_level(false));
}

Json llama3_split() {
  return sequence(split_at_words(R"(\p{N}{1,3})"), byte_level(false));
}

void add_prefix_space(Json& pre_tokenizer) {
  auto& last =
      pre_tokenizer["type"] == "Sequence" ? pre_tokenizer["pretokenizers"].back() : pre_tokenizer;
  last["add_prefix_space"] = true;
}

Json byte_level_decoder() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", true},
          {"trim_offsets", true},
          {"use_regex", true}};
}

Json space_marker_normalizer(bool prefix) {
  Json steps = Json::array();
  if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kWordMarker}});
  steps.push_back(replace(" ", kWordMarker));
  return {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
}

Json space_marker_decoder(bool prefix) {
  Json steps =
      Json::array({replace(kWordMarker, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (prefix) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return {{"type", "Sequence"}, {"decoders", std::move(steps)}};
}

}  // namespace hone
