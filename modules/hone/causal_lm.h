// The decoder: token ids to hidden states to logits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/modules/container/modulelist.h>

#include <hone/attention.h>

namespace hone {

/// What a decoder is built from; names and meanings as in Hugging Face's config.json.
struct CausalLMConfig {
  std::string model_type = "llama";
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;                    ///< numbers per head
  std::int64_t max_position_embeddings = 2048;  ///< trained context, tokens
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  RopeScaling rope_scaling = {};
  bool tie_word_embeddings = false;  ///< the head is the embedding matrix
  bool attention_bias = false;
  bool mlp_bias = false;
  std::optional<std::int64_t> bos_token_id = std::nullopt;
  std::optional<std::int64_t> pad_token_id = std::nullopt;
  std::vector<std::int64_t> eos_token_ids = {};  ///< any of them ends a text

  bool operator==(const CausalLMConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range or does not fit
/// another.
void validate(const CausalLMConfig& config);

/// A matrix whose rows are looked up by token id.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size);
  /// `ids`: [N], int64. Returns [N, D].
  Tensor forward(const Tensor& ids);
  Tensor weight;  ///< [V, D]
};
TORCH_MODULE(TokenEmbedding);

/// x + attention(norm(x)), then x + feed_forward(norm(x)).
class DecoderLayerImpl : public torch::nn::Module {
 public:
  explicit DecoderLayerImpl(const CausalLMConfig& config);
  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x, const AttentionImpl::Context& context, std::int64_t layer);

  Attention self_attn{nullptr};
  GatedFeedForward mlp{nullptr};
  RMSNorm input_layernorm{nullptr}, post_attention_layernorm{nullptr};
};
TORCH_MODULE(DecoderLayer);

/// Embedding, layers and final norm: everything below the head.
class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const CausalLMConfig& config);
  /// Hidden states after the final norm, [N, D].
  Tensor forward(const Sequences& sequences, KvCache* cache);

  TokenEmbedding embed_tokens{nullptr};
  torch::nn::ModuleList layers{nullptr};
  RMSNorm norm{nullptr};

 private:
  RotaryTable rotary_;
};
TORCH_MODULE(Decoder);

/// A causal language model. Parameters carry Hugging Face's names
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

  /// Logits of a padded batch. `input_ids`: [B, T]; `attention_mask`: [B, T], or undefined. Returns
  /// [B, T, V], zero under padding.
  Tensor forward(const Tensor& input_ids, const Tensor& attention_mask = {});

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
