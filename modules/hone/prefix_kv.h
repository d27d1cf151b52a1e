// Learned keys and values in front of every sequence at every layer: prefix tuning (Li and Liang
// 2021) and P-tuning v2 (Liu et al. 2022).
#pragma once

#include <cstdint>

#include <torch/nn/modules/container/sequential.h>

#include <hone/shapes.h>

namespace hone {

/// Options of prefix tuning under PEFT's names. Without the projection this is P-tuning v2.
struct PrefixTuningConfig {
  std::int64_t num_virtual_tokens = 20;
  bool prefix_projection = false;        ///< make the prefix by an MLP from smaller vectors
  std::int64_t encoder_hidden_size = 0;  ///< of the MLP; 0: the width of a layer's keys

  bool operator==(const PrefixTuningConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const PrefixTuningConfig& config);

/// Keys and values of m virtual tokens for L layers of K heads of size d. They are not rotated.
class PrefixKVImpl : public torch::nn::Module {
 public:
  /// What the prefix is laid out for.
  struct Shape {
    std::int64_t layers, kv_heads, head_dim;
    std::int64_t width() const { return kv_heads * head_dim; }
  };

  /// Normal at the start, as PEFT; with `prefix_projection` by Linear, Tanh, Linear from [m, K d].
  PrefixKVImpl(const PrefixTuningConfig& config,
               const Shape& shape,
               const at::TensorOptions& options);

  /// What a file holds: row t has keys and values of layer 0, then of layer 1, ... [m, 2 L K d].
  Tensor embeddings();

  /// The same by layer: entry 2 l has the keys of layer l, 2 l + 1 its values. [2 L, m, K, d].
  Tensor keys_and_values();

  std::int64_t num_virtual_tokens() const { return prompt_embeddings.size(0); }
  bool has_encoder() const { return !transform.is_empty(); }

  Tensor prompt_embeddings;  ///< [m, 2 L K d]; below an MLP its input [m, K d], `embedding.weight`
  torch::nn::Sequential transform{nullptr};

 private:
  Shape shape_;
};
TORCH_MODULE(PrefixKV);

}  // namespace hone
