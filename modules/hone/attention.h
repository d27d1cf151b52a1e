// Causal attention with grouped queries over sequences of any lengths.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <hone/kv_cache.h>
#include <hone/layers.h>
#include <hone/sequences.h>

namespace hone {

/// How scores become weights.
struct AttentionRule {
  double scale = 0;         ///< factor of q k^T; 0: 1 / sqrt(d)
  std::int64_t window = 0;  ///< tokens seen, itself among them; 0: all before it
  double softcapping = 0;   ///< c tanh(score / c); 0: none
};

/// softmax(scale q k^T) v within each sequence, each token seeing itself and those before it that
/// `rule` lets it see.
///
/// `q`: [N, H, d]; `k`, `v`: [N, K, d] with H a multiple of K; `lengths`: tokens of each sequence,
/// together N. Returns [N, H, d].
Tensor causal_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& lengths,
                        const AttentionRule& rule = {});

/// The same where the keys and values of earlier tokens are cached. `q`: [N, H, d] of the new
/// tokens; `k`, `v`: [S, K, C, d] of all tokens so far; `past`: tokens of each sequence before
/// these; `lengths`: new ones. Returns [N, H, d].
Tensor cached_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& past,
                        const std::vector<std::int64_t>& lengths,
                        const AttentionRule& rule = {});

/// Learned keys and values in front of the sequences of one forward pass.
struct PrefixContext {
  Tensor keys_and_values;  ///< [2 L, m, K, d]: keys of layer l at 2 l, values at 2 l + 1
  PrependedRows rows;      ///< where they go
  std::vector<std::int64_t>
      past;  ///< places before each sequence's new tokens, the prefix included
};

/// Projections, norms of queries and keys, rotary positions, attention, output projection.
class AttentionImpl : public torch::nn::Module {
 public:
  /// The attention of layer `layer`, counted from 0.
  AttentionImpl(const CausalLMConfig& config, std::int64_t layer);

  /// What all layers of one forward pass share.
  struct Context {
    const std::vector<std::int64_t>& lengths;  ///< new tokens of each sequence
    Rotation rotation;                         ///< of layers that see everything
    Rotation sliding_rotation;                 ///< of layers with a window
    KvCache* cache = nullptr;                  ///< where earlier tokens are; null: none
    const PrefixContext* prefix = nullptr;     ///< learned keys and values in front; null: none
  };

  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x, const Context& context);

  Projection q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr};
  Projection qkv_proj{nullptr};  ///< all three in one matrix; those above are empty then
  Projection o_proj{nullptr};
  Norm q_norm{nullptr}, k_norm{nullptr};  ///< empty where queries and keys are not normalised

 private:
  struct Heads {
    Tensor q, k, v;  // [N, H or K, d]
  };
  Heads project(const Tensor& x);
  Tensor mix(const Heads& heads, const Context& context) const;
  Tensor normalised(Norm& norm, const Tensor& x) const;

  std::int64_t layer_, heads_, kv_heads_, head_dim_;
  QueryKeyNorm query_key_norm_;
  bool rotates_;
  AttentionRule rule_;
};
TORCH_MODULE(Attention);

}  // namespace hone
