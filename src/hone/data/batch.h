// From tokenized rows to what a model computes on: the order of rows, and rows as tensors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hone/data/tokenized.h>
#include <hone/sequences.h>

namespace hone {

/// Walks through the rows of a data set in a shuffled order, one optimiser step at a time. Its
/// whole state is three integers, so a run that is resumed sees the rows that the uninterrupted one
/// would have.
class BatchCursor {
 public:
  struct State {
    std::uint64_t seed = 0;
    std::int64_t epoch = 0;     ///< epochs finished
    std::int64_t position = 0;  ///< rows of the current epoch that are used up
    bool operator==(const State&) const = default;
  };

  /// `rows` rows in steps of `rows_per_step`; the last step of an epoch takes what is left. Both at
  /// least 1.
  BatchCursor(std::int64_t rows, std::int64_t rows_per_step, std::uint64_t seed);

  /// Indices of the rows of the next step. Goes on to the next epoch, in another order, where one
  /// ends.
  std::vector<std::int64_t> next();

  /// Epochs done, the current one as a fraction.
  double epochs() const;
  std::int64_t steps_per_epoch() const { return (rows_ + rows_per_step_ - 1) / rows_per_step_; }

  const State& state() const { return state_; }
  /// Throws `std::invalid_argument` for a position outside the rows.
  void restore(const State& state);

 private:
  std::int64_t rows_;
  std::int64_t rows_per_step_;
  State state_;
  std::vector<std::int64_t> order_;
};

/// 0 .. count-1 in an order that is a function of `seed` and `epoch` alone, the same on every
/// machine.
std::vector<std::int64_t> shuffled_order(std::int64_t count,
                                         std::uint64_t seed,
                                         std::int64_t epoch);

/// Rows ready for a forward pass and its loss.
struct TokenBatch {
  Sequences sequences;  ///< the rows end to end
  Tensor positions;     ///< [M], int64: places in the N tokens whose next token is a target
  Tensor targets;       ///< [M], int64: those next tokens
};

/// Puts rows end to end. A row keeps its own positions and sees nothing of another; the label of a
/// row's first token is no target, because nothing comes before it.
TokenBatch collate(std::span<const TokenizedRow* const> rows);

/// `rows[index]` for each index, as `collate` takes them.
std::vector<const TokenizedRow*> pick(const std::vector<TokenizedRow>& rows,
                                      std::span<const std::int64_t> indices);

}  // namespace hone
