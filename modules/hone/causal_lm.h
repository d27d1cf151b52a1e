// The decoder: token ids to hidden states to logits.
#pragma once

#include <cstdint>
#include <optional>

#include <torch/nn/modules/container/modulelist.h>

#include <hone/attention.h>
#include <hone/causal_lm_config.h>

namespace hone {

/// A matrix whose rows are looked up by token id.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size);
  /// `ids`: [N], int64. Returns [N, D].
  Tensor forward(const Tensor& ids);
  Tensor weight;  ///< [V, D]
};
TORCH_MODULE(TokenEmbedding);

/// x + attention(x), then x + feed_forward(x), each normalised before, after or both as
/// `NormPlacement` says.
class DecoderLayerImpl : public torch::nn::Module {
 public:
  /// The layer `layer`, counted from 0.
  DecoderLayerImpl(const CausalLMConfig& config, std::int64_t layer);
  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x, const AttentionImpl::Context& context);

  Attention self_attn{nullptr};
  FeedForward mlp{nullptr};
  /// Those that the family lacks are empty.
  Norm before_attention{nullptr}, after_attention{nullptr}, before_mlp{nullptr}, after_mlp{nullptr};
};
TORCH_MODULE(DecoderLayer);

/// Embedding, layers and final norm: everything below the head.
class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const CausalLMConfig& config);
  /// Hidden states after the final norm, [N, D].
  Tensor forward(const Sequences& sequences, KvCache* cache);

  TokenEmbedding embed_tokens{nullptr};
  TokenEmbedding embed_positions{nullptr};  ///< empty where positions are rotated
  torch::nn::ModuleList layers{nullptr};
  Norm norm{nullptr};

 private:
  Tensor embed(const Tensor& ids, const Tensor& positions);

  double embedding_scale_;
  std::optional<RotaryTable> rotary_;          // none where positions are learned
  std::optional<RotaryTable> sliding_rotary_;  // none where sliding layers rotate as the others do
};
TORCH_MODULE(Decoder);

/// A causal language model. Parameters carry the names that Hugging Face gives them in the family
/// (`model.layers.0.self_attn.q_proj.weight`), so files need no renaming.
class CausalLMImpl : public torch::nn::Module {
 public:
  /// Builds the modules; weights are allocated, not initialised. Throws as `validate`.
  explicit CausalLMImpl(const CausalLMConfig& model_config);

  /// Hidden states after the final norm, [N, D]. With a cache, sequence s goes on where it ended in
  /// the calls before.
  Tensor hidden_states(const Sequences& sequences, KvCache* cache = nullptr);

  /// The head at chosen positions: `hidden`: [M, D]. Returns logits [M, V] in the dtype of the
  /// weights.
  Tensor logits(const Tensor& hidden);

  /// The sum over positions of -log p(target), a scalar, without the logits ever standing in
  /// memory. `hidden`: [M, D]; `targets`: [M], int64.
  Tensor summed_loss(const Tensor& hidden, const Tensor& targets);

  /// Logits of a padded batch. `input_ids`: [B, T]; `attention_mask`: [B, T], or undefined. Returns
  /// [B, T, V], zero under padding.
  Tensor forward(const Tensor& input_ids, const Tensor& attention_mask = {});

  /// Whether a cache of `past` tokens no longer serves a sequence that grows to `total`: beyond its
  /// trained context a longrope model rotates every token anew, so the text must be read again.
  bool outgrows_cache(std::int64_t past, std::int64_t total) const;

  /// A cache for `sequences` sequences of about `capacity` tokens.
  KvCache make_cache(std::int64_t sequences, std::int64_t capacity) const;

  /// Draws every weight as the family is initialised before pre-training: normal with deviation
  /// 0.02, norms 1, biases 0.
  void reset_parameters();

  /// The matrix of the head, [V, D]: the embedding where they are tied.
  const Tensor& head_weight() const;

  const CausalLMConfig config;
  Decoder model{nullptr};
  Projection lm_head{nullptr};  ///< empty where the head is tied
};
TORCH_MODULE(CausalLM);

}  // namespace hone
