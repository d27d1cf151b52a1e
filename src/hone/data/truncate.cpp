#include <algorithm>
#include <array>
#include <utility>

#include <hone/base/names.h>
#include <hone/data/truncate.h>

namespace hone {
namespace {

constexpr std::array kPolicies = {
    std::pair{"drop", Overflow::kDrop}, std::pair{"keep_start", Overflow::kKeepStart},
    std::pair{"keep_end", Overflow::kKeepEnd}, std::pair{"proportional", Overflow::kProportional},
    std::pair{"error", Overflow::kError}};

template <typename Values>
void append_front(Values& to, const Values& from, std::size_t begin, std::size_t size) {
  const auto first = from.begin() + static_cast<std::ptrdiff_t>(begin);
  to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(size));
}

/// Tokens that stay of a prompt and of its answer.
std::pair<std::size_t, std::size_t> shares(std::size_t prompt,
                                           std::size_t answer,
                                           std::size_t room) {
  const auto most = 2 * answer < room   ? room
                    : 2 * prompt < room ? room - prompt
                                        : room * answer / (prompt + answer);
  const auto kept = std::min(answer, most);
  return {std::min(prompt, room - kept), kept};
}

std::size_t run_length(const TokenizedRow& row, std::size_t begin, bool trained) {
  auto end = begin;
  while (end < row.labels.size() && (row.labels[end] != kIgnoredLabel) == trained) ++end;
  return end - begin;
}

TokenizedRow cut_by_shares(const TokenizedRow& row, std::size_t limit) {
  TokenizedRow kept;
  for (std::size_t at = 0; at < row.input_ids.size() && kept.input_ids.size() < limit;) {
    const auto prompt = run_length(row, at, false);
    const auto answer = run_length(row, at + prompt, true);
    const auto [first, second] = shares(prompt, answer, limit - kept.input_ids.size());
    for (const auto& [begin, size] : {std::pair{at, first}, std::pair{at + prompt, second}}) {
      append_front(kept.input_ids, row.input_ids, begin, size);
      append_front(kept.labels, row.labels, begin, size);
    }
    at += prompt + answer;
  }
  return kept;
}

}  // namespace

Overflow overflow(const std::string& name) {
  auto underscored = name;
  std::ranges::replace(underscored, '-', '_');
  const auto names = names_in(kPolicies);
  const bool is_known = std::ranges::find(names, underscored) != names.end();
  return choose("overflow", is_known ? underscored : name, kPolicies);
}

void truncate(TokenizedRow& row, std::size_t limit, Overflow policy) {
  if (policy == Overflow::kKeepEnd) {
    const auto surplus = static_cast<std::ptrdiff_t>(row.input_ids.size() - limit);
    row.input_ids.erase(row.input_ids.begin(), row.input_ids.begin() + surplus);
    row.labels.erase(row.labels.begin(), row.labels.begin() + surplus);
  } else if (policy == Overflow::kProportional) {
    row = cut_by_shares(row, limit);
  } else {
    row.input_ids.resize(limit);
    row.labels.resize(limit);
  }
  if (!row.labels.empty()) row.labels[0] = kIgnoredLabel;
}

void truncate(PromptedRow& row, std::size_t limit, Overflow policy) {
  auto& prompt = row.prompt;
  std::size_t longest = 0;
  for (const auto& answer : row.answers) longest = std::max(longest, answer.size());
  if (prompt.size() + longest <= limit) return;
  auto room = limit;  // for an answer
  if (policy == Overflow::kKeepEnd) {
    const auto kept = limit - std::min(longest, limit);
    prompt.erase(prompt.begin(), prompt.end() - static_cast<std::ptrdiff_t>(kept));
  } else if (policy == Overflow::kProportional) {
    const auto [first, second] = shares(prompt.size(), longest, limit);
    prompt.resize(first);
    room = second;
  } else {
    prompt.resize(std::min(prompt.size(), limit));
    room = limit - prompt.size();
  }
  for (auto& answer : row.answers) answer.resize(std::min(answer.size(), room));
}

}  // namespace hone
