// What a decoder is built from. Families differ in these fields alone: there is one decoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <hone/rotary.h>

namespace hone {

/// How hidden states are normalised.
enum class NormType : std::uint8_t {
  kRms,         ///< x / rms(x) * weight
  kRmsPlusOne,  ///< x / rms(x) * (1 + weight), as Gemma
  kLayerNorm,   ///< (x - mean) / deviation * weight + bias, as GPT-2
};

/// Where a block normalises: x + after(f(before(x))).
enum class NormPlacement : std::uint8_t {
  kBefore,  ///< most families
  kAfter,   ///< OLMo 2
  kBoth,    ///< Gemma 2 and 3
};

/// Whether queries and keys are normalised before they are rotated.
enum class QueryKeyNorm : std::uint8_t {
  kNone,
  kPerHead,     ///< each head by itself: Qwen3, Gemma 3
  kWholeWidth,  ///< all heads together: OLMo 2
};

/// The nonlinearity of the feed-forward part.
enum class Activation : std::uint8_t {
  kSilu,      ///< x / (1 + e^-x)
  kGelu,      ///< x Phi(x)
  kGeluTanh,  ///< its approximation by tanh
};

/// Sizes and kinds of the parts of a decoder; names and meanings as in Hugging Face's config.json
/// where it has them.
struct CausalLMConfig {
  std::string model_type = "llama";  ///< decides the names of parameters and files
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;                    ///< numbers per head
  std::int64_t max_position_embeddings = 2048;  ///< trained context, tokens

  NormType norm_type = NormType::kRms;
  NormPlacement norm_placement = NormPlacement::kBefore;
  double rms_norm_eps = 1e-6;  ///< also of a layer norm

  Activation hidden_act = Activation::kSilu;
  bool gated_mlp = true;   ///< down(act(gate) * up), else down(act(up))
  bool fused_mlp = false;  ///< gate and up are one matrix

  bool fused_qkv = false;           ///< queries, keys and values are one matrix
  bool attention_bias = false;      ///< of queries, keys and values
  bool attention_out_bias = false;  ///< of the output projection
  bool mlp_bias = false;
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;
  double attention_scale = 0;          ///< factor of q k^T; 0: 1 / sqrt(head_dim)
  double attn_logit_softcapping = 0;   ///< c tanh(x / c) of the attention scores; 0: none
  double final_logit_softcapping = 0;  ///< the same of the logits
  double embedding_scale = 1;          ///< factor of the token embeddings
  bool tie_word_embeddings = false;    ///< the head is the embedding matrix

  bool learned_positions = false;  ///< an embedding per position is added; nothing is rotated
  double rope_theta = 10000;
  RopeScaling rope_scaling = {};
  double partial_rotary_factor = 1;  ///< share of each head that is rotated
  /// Base of the rotation in sliding layers, where they have their own (never stretched).
  std::optional<double> sliding_rope_theta = std::nullopt;
  std::int64_t sliding_window = 0;        ///< tokens that a sliding layer sees; 0: no such layer
  std::vector<bool> sliding_layers = {};  ///< per layer; empty: all slide where there is a window
  std::vector<bool> position_free_layers = {};  ///< per layer: nothing is rotated; empty: none

  std::optional<std::int64_t> bos_token_id = std::nullopt;
  std::optional<std::int64_t> pad_token_id = std::nullopt;
  std::vector<std::int64_t> eos_token_ids = {};  ///< any of them ends a text

  /// Tokens that `layer` sees, itself among them; 0: all before it.
  std::int64_t window_of(std::int64_t layer) const;

  /// Whether `layer` rotates queries and keys.
  bool rotates(std::int64_t layer) const;

  bool operator==(const CausalLMConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range or does not fit
/// another.
void validate(const CausalLMConfig& config);

/// The names under which a family registers its modules; a part that it lacks has none.
struct DecoderNames {
  std::string decoder = "model";
  std::string embed_tokens = "embed_tokens";
  std::string embed_positions = "wpe";
  std::string layers = "layers";
  std::string norm = "norm";
  std::string attention = "self_attn";
  std::string mlp = "mlp";
  std::string before_attention = "input_layernorm";
  std::string after_attention;
  std::string before_mlp = "post_attention_layernorm";
  std::string after_mlp;
  std::string qkv = "qkv_proj";
  std::string attention_out = "o_proj";
  std::string gate_up = "gate_up_proj";
  std::string up = "up_proj";
  std::string down = "down_proj";
};

/// Hugging Face's names for the family of `config`.
DecoderNames names_of(const CausalLMConfig& config);

}  // namespace hone
