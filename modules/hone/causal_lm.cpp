#include <numeric>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/causal_lm.h>

namespace hone {
namespace {

void check(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

CausalLMConfig validated(CausalLMConfig config) {
  validate(config);
  return config;
}

/// Positions count within each sequence and go on behind what the cache holds. [N], int64.
Tensor positions_of(const Sequences& sequences, const KvCache* cache) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(sequences.tokens()));
  auto at = positions.begin();
  for (std::size_t s = 0; s < sequences.lengths.size(); ++s) {
    const auto past = cache == nullptr ? 0 : cache->lengths()[s];
    std::iota(at, at + sequences.lengths[s], past);
    at += sequences.lengths[s];
  }
  return at::tensor(positions, at::kLong).to(sequences.input_ids.device());
}

}  // namespace

void validate(const CausalLMConfig& config) {
  check(config.model_type == "llama", "model_type must be llama");
  check(config.vocab_size > 0, "vocab_size must be positive");
  check(config.hidden_size > 0, "hidden_size must be positive");
  check(config.intermediate_size > 0, "intermediate_size must be positive");
  check(config.num_hidden_layers > 0, "num_hidden_layers must be positive");
  check(config.num_attention_heads > 0, "num_attention_heads must be positive");
  check(config.num_key_value_heads > 0, "num_key_value_heads must be positive");
  check(config.num_attention_heads % config.num_key_value_heads == 0,
        "num_attention_heads must be a multiple of num_key_value_heads");
  check(config.head_dim > 0 && config.head_dim % 2 == 0, "head_dim must be positive and even");
  check(config.max_position_embeddings > 0, "max_position_embeddings must be positive");
  check(config.rms_norm_eps > 0, "rms_norm_eps must be positive");
  check(config.rope_theta > 0, "rope_theta must be positive");
  const auto& rope = config.rope_scaling;
  check(rope.rope_type == "default" || rope.rope_type == "linear" || rope.rope_type == "llama3",
        "rope_type must be default, linear or llama3");
  check(rope.factor > 0, "rope factor must be positive");
  check(rope.high_freq_factor > rope.low_freq_factor,
        "high_freq_factor must be above low_freq_factor");
}

TokenEmbeddingImpl::TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size) {
  weight = register_parameter("weight", torch::empty({vocab_size, hidden_size}));
}

Tensor TokenEmbeddingImpl::forward(const Tensor& ids) {
  return at::embedding(weight, ids);
}

DecoderLayerImpl::DecoderLayerImpl(const CausalLMConfig& config) {
  self_attn = register_module(
      "self_attn", Attention(AttentionOptions{.hidden_size = config.hidden_size,
                                              .num_attention_heads = config.num_attention_heads,
                                              .num_key_value_heads = config.num_key_value_heads,
                                              .head_dim = config.head_dim,
                                              .attention_bias = config.attention_bias}));
  mlp = register_module(
      "mlp", GatedFeedForward(config.hidden_size, config.intermediate_size, config.mlp_bias));
  input_layernorm =
      register_module("input_layernorm", RMSNorm(config.hidden_size, config.rms_norm_eps));
  post_attention_layernorm =
      register_module("post_attention_layernorm", RMSNorm(config.hidden_size, config.rms_norm_eps));
}

Tensor DecoderLayerImpl::forward(const Tensor& x,
                                 const AttentionImpl::Context& context,
                                 std::int64_t layer) {
  const auto mixed = x + self_attn->forward(input_layernorm(x), context, layer);
  return mixed + mlp(post_attention_layernorm(mixed));
}

DecoderImpl::DecoderImpl(const CausalLMConfig& config)
    : rotary_(config.head_dim, config.rope_theta, config.rope_scaling) {
  embed_tokens =
      register_module("embed_tokens", TokenEmbedding(config.vocab_size, config.hidden_size));
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    layers->push_back(DecoderLayer(config));
  }
  norm = register_module("norm", RMSNorm(config.hidden_size, config.rms_norm_eps));
}

Tensor DecoderImpl::forward(const Sequences& sequences, KvCache* cache) {
  const auto [cos, sin] = rotary_.at_positions(positions_of(sequences, cache));
  const AttentionImpl::Context context{sequences.lengths, cos, sin, cache};
  auto x = embed_tokens(sequences.input_ids);
  std::int64_t index = 0;
  for (const auto& layer : *layers) {
    x = layer->as<DecoderLayerImpl>()->forward(x, context, index++);
  }
  if (cache != nullptr) cache->advance(sequences.lengths);
  return norm(x);
}

CausalLMImpl::CausalLMImpl(const CausalLMConfig& model_config) : config(validated(model_config)) {
  model = register_module("model", Decoder(config));
  if (!config.tie_word_embeddings) {
    lm_head = register_module("lm_head", Projection(config.hidden_size, config.vocab_size, false));
  }
}

Tensor CausalLMImpl::hidden_states(const Sequences& sequences, KvCache* cache) {
  expect_shape(
      sequences.input_ids,
      {std::accumulate(sequences.lengths.begin(), sequences.lengths.end(), std::int64_t{0})},
      "input_ids");
  return model->forward(sequences, cache);
}

Tensor CausalLMImpl::logits(const Tensor& hidden) {
  return config.tie_word_embeddings ? at::linear(hidden, head_weight()) : lm_head(hidden);
}

Tensor CausalLMImpl::forward(const Tensor& input_ids, const Tensor& attention_mask) {
  const auto mask = attention_mask.defined() ? attention_mask : at::ones_like(input_ids);
  return pad_back(logits(hidden_states(Sequences::from_padded(input_ids, mask))), mask);
}

KvCache CausalLMImpl::make_cache(std::int64_t sequences, std::int64_t capacity) const {
  return KvCache(config.num_hidden_layers, sequences, capacity);
}

void CausalLMImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  for (auto& item : named_parameters()) {
    auto& parameter = item.value();
    if (item.key().ends_with("norm.weight")) {
      parameter.fill_(1);
    } else if (item.key().ends_with(".bias")) {
      parameter.zero_();
    } else {
      parameter.normal_(0, 0.02);
    }
  }
}

const Tensor& CausalLMImpl::head_weight() const {
  return config.tie_word_embeddings ? model->embed_tokens->weight : lm_head->weight;
}

}  // namespace hone
