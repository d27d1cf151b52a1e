#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <ATen/ATen.h>

#include <hone/base/split_mix.h>
#include <hone/data/batch.h>

namespace hone {
std::vector<std::int64_t> shuffled_order(std::int64_t count,
                                         std::uint64_t seed,
                                         std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  SplitMix mix(SplitMix(seed)() ^ static_cast<std::uint64_t>(epoch));
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[mix.below(left)]);
  }
  return order;
}

BatchCursor::BatchCursor(std::int64_t rows, std::int64_t rows_per_step, std::uint64_t seed)
    : rows_(rows), rows_per_step_(rows_per_step), state_{.seed = seed} {
  if (rows < 1 || rows_per_step < 1)
    throw std::invalid_argument("BatchCursor: needs rows and a step of at least 1");
  order_ = shuffled_order(rows_, state_.seed, state_.epoch);
}

std::vector<std::int64_t> BatchCursor::next() {
  const auto count = std::min(rows_per_step_, rows_ - state_.position);
  const auto first = order_.begin() + state_.position;
  std::vector<std::int64_t> chosen(first, first + count);
  state_.position += count;
  if (state_.position == rows_) {
    state_.position = 0;
    ++state_.epoch;
    order_ = shuffled_order(rows_, state_.seed, state_.epoch);
  }
  return chosen;
}

double BatchCursor::epochs() const {
  return static_cast<double>(state_.epoch) +
         static_cast<double>(state_.position) / static_cast<double>(rows_);
}

void BatchCursor::restore(const State& state) {
  if (state.position < 0 || state.position >= rows_ || state.epoch < 0) {
    throw std::invalid_argument("BatchCursor: position outside the rows");
  }
  state_ = state;
  order_ = shuffled_order(rows_, state_.seed, state_.epoch);
}

TokenBatch collate(std::span<const TokenizedRow* const> rows) {
  std::vector<std::int64_t> ids, positions, targets, lengths;
  for (const auto* row : rows) {
    const auto first = static_cast<std::int64_t>(ids.size());
    ids.insert(ids.end(), row->input_ids.begin(), row->input_ids.end());
    lengths.push_back(static_cast<std::int64_t>(row->input_ids.size()));
    for (std::size_t t = 1; t < row->labels.size(); ++t) {
      if (row->labels[t] == kIgnoredLabel) continue;
      positions.push_back(first + static_cast<std::int64_t>(t) - 1);
      targets.push_back(row->labels[t]);
    }
  }
  return {.sequences = {at::tensor(ids, at::kLong), std::move(lengths)},
          .positions = at::tensor(positions, at::kLong),
          .targets = at::tensor(targets, at::kLong)};
}

std::vector<const TokenizedRow*> pick(const std::vector<TokenizedRow>& rows,
                                      std::span<const std::int64_t> indices) {
  std::vector<const TokenizedRow*> picked;
  for (const auto index : indices) picked.push_back(&rows.at(static_cast<std::size_t>(index)));
  return picked;
}

}  // namespace hone
