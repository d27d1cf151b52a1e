#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/data/row_findings.h>
#include <hone/text/chat_template.h>

namespace hone {
namespace {

/// The ids that the tokenizer's own template writes in front of an answer; none where it has no
/// template, or one that does not write them.
std::vector<std::int64_t> answer_header(const Tokenizer& tokenizer) {
  if (tokenizer.chat_template().empty()) return {};
  const auto messages = Json::array({Json{{"role", "user"}, {"content", "a"}}});
  try {
    const ChatTemplate chat(tokenizer.chat_template(), tokenizer);
    const auto before = chat.encode(messages, tokenizer).input_ids;
    auto after = chat.encode(messages, tokenizer, {.add_generation_prompt = true}).input_ids;
    if (after.size() < before.size() || !std::equal(before.begin(), before.end(), after.begin()))
      return {};
    after.erase(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(before.size()));
    return after;
  } catch (const Error&) {
    return {};  // a template that wants more than a turn of the user
  }
}

bool is_word_byte(unsigned char byte) {
  return byte >= 0x80 || (byte >= '0' && byte <= '9') ||
         ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

}  // namespace

RowFindings::RowFindings(Tokenizer tokenizer, std::int64_t max_length)
    : tokenizer_(std::move(tokenizer)),
      max_length_(max_length),
      unknown_(tokenizer_.id_of("<unk>")),
      header_(answer_header(tokenizer_)) {}

void RowFindings::found(bool holds, const char* what) {
  if (!holds) return;
  auto known = std::ranges::find(findings_, what, &RowFinding::what);
  if (known == findings_.end()) known = findings_.insert(findings_.end(), {what, 0, row_});
  ++known->rows;
}

void RowFindings::look_at_start(const std::vector<std::int32_t>& ids) {
  const auto bos = tokenizer_.bos_id();
  found(bos && ids.size() > 1 && ids[0] == *bos && ids[1] == *bos, "two BOS tokens at the start");
}

void RowFindings::look_at(const TokenizedRow& row) {
  ++row_;
  look_at_start(row.input_ids);
  const auto size = static_cast<std::int64_t>(row.input_ids.size());
  found(max_length_ > 0 && size == max_length_, "as long as the limit: it may have been cut");
  const auto trained = [&](std::optional<std::int64_t> id) {
    return id && std::ranges::find(row.labels, *id) != row.labels.end();
  };
  const auto pad = tokenizer_.pad_id();
  found(pad != tokenizer_.eos_id() && trained(pad), "a padding token is trained");
  found(trained(unknown_), "an unknown token is trained");
  found(count_trained(row) == 0, "nothing is trained");
  look_at_turns(row);
}

/// Looks at each run of trained tokens.
void RowFindings::look_at_turns(const TokenizedRow& row) {
  bool no_end = false;
  bool inside_word = false;
  for (std::size_t i = 1; i < row.labels.size(); ++i) {
    const bool trained = row.labels[i] != kIgnoredLabel;
    const bool was_trained = row.labels[i - 1] != kIgnoredLabel;
    if (trained && !was_trained) inside_word |= starts_inside_word(row, i);
    const bool is_last = i + 1 == row.labels.size() || row.labels[i + 1] == kIgnoredLabel;
    if (trained && is_last) no_end |= !is_control(row.input_ids[i]);
  }
  found(no_end, "a trained turn has no end token");
  found(inside_word, "training starts inside of a word");
  found(has_turn_without_loss(row), "a turn of the assistant is not trained");
}

bool RowFindings::starts_inside_word(const TokenizedRow& row, std::size_t at) const {
  if (is_control(row.input_ids[at - 1]) || is_control(row.input_ids[at])) return false;
  const std::vector<std::int64_t> before = {row.input_ids[at - 1]};
  const std::vector<std::int64_t> both = {row.input_ids[at - 1], row.input_ids[at]};
  const auto left = tokenizer_.decode(before);
  const auto joined = tokenizer_.decode(both);
  return !left.empty() && joined.size() > left.size() && joined.starts_with(left) &&
         is_word_byte(static_cast<unsigned char>(left.back())) &&
         is_word_byte(static_cast<unsigned char>(joined[left.size()]));
}

bool RowFindings::has_turn_without_loss(const TokenizedRow& row) const {
  if (header_.empty()) return false;
  for (auto at = row.input_ids.begin();; ++at) {
    at = std::search(at, row.input_ids.end(), header_.begin(), header_.end());
    if (at == row.input_ids.end()) return false;
    const auto behind = static_cast<std::size_t>(at - row.input_ids.begin()) + header_.size();
    if (behind < row.labels.size() && row.labels[behind] == kIgnoredLabel) return true;
  }
}

void RowFindings::look_at(const PromptedRow& row, RecordKind kind) {
  ++row_;
  look_at_start(row.prompt);
  found(max_length_ > 0 && longest_sequence(row) == max_length_,
        "as long as the limit: it may have been cut");
  const auto holds_unknown = [&](const std::vector<std::int32_t>& ids) {
    return unknown_ && std::ranges::find(ids, *unknown_) != ids.end();
  };
  found(std::ranges::any_of(row.answers, holds_unknown), "an unknown token is trained");
  const auto has_no_end = [&](const std::vector<std::int32_t>& ids) {
    return !is_control(ids.back());
  };
  found(kind != RecordKind::kStepwise && std::ranges::any_of(row.answers, has_no_end),
        "an answer has no end token");
  found(kind == RecordKind::kPreference && row.answers[0] == row.answers[1],
        "chosen and rejected are the same");
}

}  // namespace hone
