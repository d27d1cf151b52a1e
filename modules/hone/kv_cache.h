// Keys and values of tokens already seen, so that generation computes each token once.
#pragma once

#include <cstdint>
#include <vector>

#include <hone/shapes.h>

namespace hone {

/// Past keys and values of S sequences at every layer, each sequence stored from its first token
/// on.
///
/// Used as: `hidden_states(sequences, &cache)` any number of times, where sequence s of each call
/// continues sequence s of the calls before; `keep` in between drops sequences that have ended.
class KvCache {
 public:
  /// For `layers` layers of `kv_heads` heads of `head_dim` numbers; holds up to `capacity` tokens a
  /// sequence and grows beyond that by doubling.
  KvCache(std::int64_t layers, std::int64_t sequences, std::int64_t capacity);

  std::int64_t sequences() const { return static_cast<std::int64_t>(lengths_.size()); }

  /// Tokens of each sequence that are stored, [S].
  const std::vector<std::int64_t>& lengths() const { return lengths_; }

  /// Appends the new keys and values of one layer and returns all of that layer. `keys`, `values`:
  /// [N, K, d] with `new_lengths[s]` tokens of sequence s, laid end to end. Returns two tensors [S,
  /// K, C, d], of which sequence s fills the first `lengths()[s] + new_lengths[s]` places; C is the
  /// longest of these.
  std::pair<Tensor, Tensor> append(std::int64_t layer,
                                   const Tensor& keys,
                                   const Tensor& values,
                                   const std::vector<std::int64_t>& new_lengths);

  /// Counts the tokens that every layer has appended. Called once at the end of a forward pass.
  void advance(const std::vector<std::int64_t>& new_lengths);

  /// Keeps the sequences `rows`, in that order.
  void keep(const std::vector<std::int64_t>& rows);

 private:
  struct Layer {
    Tensor keys, values;  // [S, K, capacity, d]
  };
  void reserve(Layer& layer, const Tensor& like, std::int64_t places);

  std::vector<Layer> layers_;
  std::vector<std::int64_t> lengths_;
  std::int64_t capacity_;
};

}  // namespace hone
