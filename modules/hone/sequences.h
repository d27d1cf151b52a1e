// Token sequences laid end to end without padding: the one layout that the decoder computes on.
#pragma once

#include <cstdint>
#include <vector>

#include <hone/shapes.h>

namespace hone {

/// S sequences of tokens, one after the other in one row of N. Nothing is padded, so nothing is
/// computed for padding, and a token attends to the tokens of its own sequence only: packed
/// documents and the rows of a batch are the same thing.
struct Sequences {
  Tensor input_ids;                   ///< [N], int64
  std::vector<std::int64_t> lengths;  ///< [S], every one at least 1, together N

  /// One sequence.
  static Sequences single(const Tensor& input_ids);

  /// The real tokens of a padded batch. `input_ids`: [B, T]; `attention_mask`: [B, T], nonzero at
  /// real tokens, which must be next to each other in each row (padding left or right or both);
  /// undefined: no padding. Throws `c10::Error` for a row without a token or with a hole.
  static Sequences from_padded(const Tensor& input_ids, const Tensor& attention_mask);

  std::int64_t count() const { return static_cast<std::int64_t>(lengths.size()); }
  std::int64_t tokens() const { return input_ids.size(0); }

  /// Index into [N] of each sequence's last token, [S].
  Tensor last_tokens() const;
};

/// How sequences laid end to end lie once m virtual rows stand in front of some of them.
struct PrependedRows {
  Tensor index;                       ///< [N'] into the m virtual rows followed by the N real ones
  Tensor real;                        ///< [N]: where the real rows are among the N'
  std::vector<std::int64_t> lengths;  ///< [S], together N'

  /// `virtual_rows`: [m, ...]; `rows`: [N, ...]. Returns [N', ...].
  Tensor apply(const Tensor& virtual_rows, const Tensor& rows) const;
};

/// Puts `m` rows in front of every sequence that begins, `begins[s]`.
PrependedRows prepend_rows(std::int64_t m,
                           const std::vector<std::int64_t>& lengths,
                           const std::vector<bool>& begins,
                           at::Device device);

/// Sequences laid end to end, side by side: `values` [N, ...] to [S, longest, ...], the places
/// behind a sequence's end holding its last row again.
Tensor side_by_side(const Tensor& values, const std::vector<std::int64_t>& lengths);

/// The inverse of `Sequences::from_padded` for what was computed for each token: `values` [N, ...]
/// to [B, T, ...] with zeros under padding.
Tensor pad_back(const Tensor& values, const Tensor& attention_mask);

}  // namespace hone
