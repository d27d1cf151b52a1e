// Causal attention with grouped queries over sequences of any lengths.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/kv_cache.h>
#include <hone/layers.h>
#include <hone/sequences.h>

namespace hone {

/// softmax(q k^T / sqrt(d)) v within each sequence, each token seeing itself and those before it.
///
/// `q`: [N, H, d]; `k`, `v`: [N, K, d] with H a multiple of K; `lengths`: tokens of each sequence,
/// together N. Returns [N, H, d].
Tensor causal_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& lengths);

/// The same where the keys and values of earlier tokens are cached. `q`: [N, H, d] of the new
/// tokens; `k`, `v`: [S, K, C, d] of all tokens so far; `past`: tokens of each sequence before
/// these; `lengths`: new ones. Returns [N, H, d].
Tensor cached_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& past,
                        const std::vector<std::int64_t>& lengths);

/// Sizes of an attention layer, as config.json names them.
struct AttentionOptions {
  std::int64_t hidden_size = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  bool attention_bias = false;
};

/// Projections, rotary positions, attention, output projection.
class AttentionImpl : public torch::nn::Module {
 public:
  explicit AttentionImpl(const AttentionOptions& options);

  /// What all layers of one forward pass share.
  struct Context {
    const std::vector<std::int64_t>& lengths;  ///< new tokens of each sequence
    Tensor cos, sin;                           ///< [N, d/2]
    KvCache* cache = nullptr;                  ///< where earlier tokens are; null: none
  };

  /// `x`: [N, D]. Returns [N, D]. `layer` is this layer's place in the cache.
  Tensor forward(const Tensor& x, const Context& context, std::int64_t layer);

  Projection q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, o_proj{nullptr};

 private:
  AttentionOptions options_;
};
TORCH_MODULE(Attention);

}  // namespace hone
