#include <numeric>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/causal_lm.h>
#include <hone/kernels/linear_cross_entropy.h>

namespace hone {
namespace {

CausalLMConfig validated(CausalLMConfig config) {
  validate(config);
  return config;
}

/// Positions count within each sequence, from `past` on. [N], int64.
Tensor positions_of(const Sequences& sequences, const std::vector<std::int64_t>& past) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(sequences.tokens()));
  auto at = positions.begin();
  for (std::size_t s = 0; s < sequences.lengths.size(); ++s) {
    std::iota(at, at + sequences.lengths[s], past[s]);
    at += sequences.lengths[s];
  }
  return at::tensor(positions, at::kLong).to(sequences.input_ids.device());
}

}  // namespace

TokenEmbeddingImpl::TokenEmbeddingImpl(std::int64_t vocab_size, std::int64_t hidden_size) {
  weight = register_parameter("weight", torch::empty({vocab_size, hidden_size}));
}

Tensor TokenEmbeddingImpl::forward(const Tensor& ids) {
  return at::embedding(weight, ids);
}

DecoderLayerImpl::DecoderLayerImpl(const CausalLMConfig& config, std::int64_t layer) {
  const auto names = names_of(config);
  const auto add_norm = [&](const std::string& name) -> Norm {
    if (name.empty()) return nullptr;
    return register_module(name, Norm(config.hidden_size, config.norm_type, config.rms_norm_eps));
  };
  before_attention = add_norm(names.before_attention);
  self_attn = register_module(names.attention, Attention(config, layer));
  after_attention = add_norm(names.after_attention);
  before_mlp = add_norm(names.before_mlp);
  mlp = register_module(names.mlp, FeedForward(config));
  after_mlp = add_norm(names.after_mlp);
}

Tensor DecoderLayerImpl::forward(const Tensor& x, const AttentionImpl::Context& context) {
  const auto normalised = [](Norm& norm, const Tensor& y) { return norm.is_empty() ? y : norm(y); };
  const auto attended = self_attn->forward(normalised(before_attention, x), context);
  const auto mixed = x + normalised(after_attention, attended);
  return mixed + normalised(after_mlp, mlp(normalised(before_mlp, mixed)));
}

DecoderImpl::DecoderImpl(const CausalLMConfig& config) : embedding_scale_(config.embedding_scale) {
  const auto size = rotary_dim(config.head_dim, config.partial_rotary_factor);
  const auto context = config.max_position_embeddings;
  if (!config.learned_positions)
    rotary_.emplace(size, config.rope_theta, config.rope_scaling, context);
  if (config.sliding_rope_theta)
    sliding_rotary_.emplace(size, *config.sliding_rope_theta, RopeScaling{}, context);
  const auto names = names_of(config);
  embed_tokens =
      register_module(names.embed_tokens, TokenEmbedding(config.vocab_size, config.hidden_size));
  if (config.learned_positions) {
    embed_positions = register_module(
        names.embed_positions, TokenEmbedding(config.max_position_embeddings, config.hidden_size));
  }
  layers = register_module(names.layers, torch::nn::ModuleList());
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer)
    layers->push_back(DecoderLayer(config, layer));
  norm =
      register_module(names.norm, Norm(config.hidden_size, config.norm_type, config.rms_norm_eps));
}

Tensor DecoderImpl::embed(const Tensor& ids, const Tensor& positions) {
  auto x = embed_tokens(ids);
  // The factor is rounded to the dtype of the embeddings first, as transformers does.
  if (embedding_scale_ != 1) x = x * at::scalar_tensor(embedding_scale_, x.options());
  return embed_positions.is_empty() ? x : x + embed_positions(positions);
}

Tensor DecoderImpl::forward(const Sequences& sequences, KvCache* cache) {
  const auto past =
      cache == nullptr ? std::vector<std::int64_t>(sequences.lengths.size(), 0) : cache->lengths();
  const auto positions = positions_of(sequences, past);
  const auto rotation_of = [&](const std::optional<RotaryTable>& table) {
    return table ? table->at_positions(positions, sequences.lengths, past) : Rotation{};
  };
  const auto rotation = rotation_of(rotary_);
  const AttentionImpl::Context context{
      .lengths = sequences.lengths,
      .rotation = rotation,
      .sliding_rotation = sliding_rotary_ ? rotation_of(sliding_rotary_) : rotation,
      .cache = cache};
  auto x = embed(sequences.input_ids, positions);
  for (const auto& layer : *layers) x = layer->as<DecoderLayerImpl>()->forward(x, context);
  if (cache != nullptr) cache->advance(sequences.lengths);
  return norm(x);
}

CausalLMImpl::CausalLMImpl(const CausalLMConfig& model_config) : config(validated(model_config)) {
  model = register_module(names_of(config).decoder, Decoder(config));
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
  const auto scores =
      config.tie_word_embeddings ? at::linear(hidden, head_weight()) : lm_head(hidden);
  const auto cap = config.final_logit_softcapping;
  return cap == 0 ? scores : at::tanh(scores / cap) * cap;
}

Tensor CausalLMImpl::summed_loss(const Tensor& hidden, const Tensor& targets) {
  const bool is_adapted = !lm_head.is_empty() && lm_head->adapters_enabled() &&
                          lm_head->active_adapter() != nullptr && !lm_head->merged();
  if (!is_adapted) {
    return kernels::linear_cross_entropy(hidden, head_weight(), targets,
                                         config.final_logit_softcapping);
  }
  const auto scores = logits(hidden);
  const bool is_double = scores.scalar_type() == at::kDouble;
  return at::nll_loss(at::log_softmax(scores, -1, is_double ? at::kDouble : at::kFloat), targets,
                      {}, at::Reduction::Sum);
}

Tensor CausalLMImpl::forward(const Tensor& input_ids, const Tensor& attention_mask) {
  const auto mask = attention_mask.defined() ? attention_mask : at::ones_like(input_ids);
  return pad_back(logits(hidden_states(Sequences::from_padded(input_ids, mask))), mask);
}

bool CausalLMImpl::outgrows_cache(std::int64_t past, std::int64_t total) const {
  const auto& scaling = config.rope_scaling;
  const auto trained = scaling.original_max_position_embeddings;
  return scaling.rope_type == "longrope" && past > 0 && past <= trained && total > trained;
}

KvCache CausalLMImpl::make_cache(std::int64_t sequences, std::int64_t capacity) const {
  return KvCache(config.num_hidden_layers, sequences, capacity);
}

void CausalLMImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  // The only vectors are norms and biases.
  for (auto& item : named_parameters()) {
    auto& parameter = item.value();
    if (parameter.dim() == 1 && item.key().ends_with(".weight")) {
      parameter.fill_(config.norm_type == NormType::kRmsPlusOne ? 0 : 1);
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
