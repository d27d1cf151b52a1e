#include <numeric>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/causal_lm.h>
#include <hone/checkpoint.h>
#include <hone/kernels/linear_cross_entropy.h>
#include <hone/kernels/packed_linear.h>
#include <hone/neftune.h>
#include <hone/trainable.h>

namespace hone {
namespace {

CausalLMConfig validated(CausalLMConfig config) {
  validate(config);
  return config;
}

/// Positions count within each sequence, from `past` on. [N], int64.
Tensor positions_of(const std::vector<std::int64_t>& lengths,
                    const std::vector<std::int64_t>& past,
                    at::Device device) {
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  std::vector<std::int64_t> positions(static_cast<std::size_t>(tokens));
  auto at = positions.begin();
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    std::iota(at, at + lengths[s], past[s]);
    at += lengths[s];
  }
  return at::tensor(positions, at::kLong).to(device);
}

/// One layer, computed again in the backward pass. The context is copied, since its parts live only
/// as long as the forward pass; a prefix needs a gradient and is an input.
Tensor checkpointed(DecoderLayerImpl& layer,
                    const Tensor& x,
                    const AttentionImpl::Context& context) {
  TORCH_CHECK(context.cache == nullptr, "gradient checkpointing does not go with a cache");
  const auto* prefix = context.prefix;
  const auto lengths = context.lengths;
  const auto rows = prefix == nullptr ? PrependedRows{} : prefix->rows;
  const auto past = prefix == nullptr ? std::vector<std::int64_t>{} : prefix->past;
  const auto rotation = context.rotation, sliding = context.sliding_rotation;
  const auto forward = [&layer, lengths, rows, past, rotation,
                        sliding](const std::vector<Tensor>& inputs) {
    const bool has_prefix = inputs.size() > 1;
    const PrefixContext own{has_prefix ? inputs[1] : Tensor(), rows, past};
    return layer.forward(inputs[0], {.lengths = lengths,
                                     .rotation = rotation,
                                     .sliding_rotation = sliding,
                                     .cache = nullptr,
                                     .prefix = has_prefix ? &own : nullptr});
  };
  std::vector<Tensor> inputs = {x};
  if (prefix != nullptr) inputs.push_back(prefix->keys_and_values);
  return checkpoint(forward, inputs);
}

}  // namespace

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
  const auto adapted = [](BottleneckImpl* adapter, const Tensor& given, const Tensor& out) {
    return adapter == nullptr ? out : adapter->forward(given, out);
  };
  const auto given = normalised(before_attention, x);
  const auto attended = adapted(after_attention_slot.active(), given,
                                normalised(after_attention, self_attn->forward(given, context)));
  const auto mixed = x + attended;
  const auto inner = normalised(before_mlp, mixed);
  return mixed + adapted(after_mlp_slot.active(), inner, normalised(after_mlp, mlp(inner)));
}

void DecoderLayerImpl::share(const std::shared_ptr<AdapterSwitch>& adapters) {
  after_attention_slot.share(adapters);
  after_mlp_slot.share(adapters);
}

bool DecoderLayerImpl::holds_adapter(const std::string& name) const {
  return after_attention_slot.find(name) != nullptr || after_mlp_slot.find(name) != nullptr;
}

void DecoderLayerImpl::remove_adapter(const std::string& name) {
  after_attention_slot.remove(name);
  after_mlp_slot.remove(name);
}

std::string DecoderLayerImpl::merge_obstacle() const {
  const bool has = after_attention_slot.active() != nullptr || after_mlp_slot.active() != nullptr;
  return has ? "a bottleneck adapter is not linear" : "";
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

void DecoderImpl::share(const std::shared_ptr<AdapterSwitch>& adapters) {
  prompt_slot.share(adapters);
  prefix_slot.share(adapters);
}

bool DecoderImpl::holds_adapter(const std::string& name) const {
  return prompt_slot.find(name) != nullptr || prefix_slot.find(name) != nullptr;
}

void DecoderImpl::remove_adapter(const std::string& name) {
  prompt_slot.remove(name);
  prefix_slot.remove(name);
}

std::string DecoderImpl::merge_obstacle() const {
  if (prompt_slot.active() != nullptr) return "virtual tokens are not part of any weight";
  return prefix_slot.active() == nullptr ? "" : "a prefix is not part of any weight";
}

Tensor DecoderImpl::embed(const Tensor& ids) {
  const auto x = embed_tokens(ids);
  // The factor is rounded to the dtype of the embeddings first, as transformers does.
  return embedding_scale_ == 1 ? x : x * at::scalar_tensor(embedding_scale_, x.options());
}

Tensor DecoderImpl::run_layers(Tensor x,
                               const std::vector<std::int64_t>& lengths,
                               const std::vector<std::int64_t>& past,
                               KvCache* cache,
                               const PrefixContext* prefix) {
  const auto positions = positions_of(lengths, past, x.device());
  const auto rotation_of = [&](const std::optional<RotaryTable>& table) {
    return table ? table->at_positions(positions, lengths, past) : Rotation{};
  };
  const auto rotation = rotation_of(rotary_);
  const AttentionImpl::Context context{
      .lengths = lengths,
      .rotation = rotation,
      .sliding_rotation = sliding_rotary_ ? rotation_of(sliding_rotary_) : rotation,
      .cache = cache,
      .prefix = prefix};
  if (!embed_positions.is_empty()) x = x + embed_positions(positions);
  for (const auto& layer : *layers) {
    auto& own = *layer->as<DecoderLayerImpl>();
    x = gradient_checkpointing && torch::GradMode::is_enabled() ? checkpointed(own, x, context)
                                                                : own.forward(x, context);
  }
  if (cache != nullptr) cache->advance(prefix == nullptr ? lengths : prefix->rows.lengths);
  return norm(x);
}

Tensor DecoderImpl::forward(const Sequences& sequences, KvCache* cache) {
  const auto& lengths = sequences.lengths;
  auto past = cache == nullptr ? std::vector<std::int64_t>(lengths.size(), 0) : cache->lengths();
  // Virtual tokens come before the first token of a sequence, once.
  std::vector<bool> begins;
  for (const auto count : past) begins.push_back(count == 0);
  auto x = embed(sequences.input_ids);
  if (neftune_noise_alpha > 0 && is_training()) x = neftune(x, lengths, neftune_noise_alpha);
  if (auto* prompt = prompt_slot.active()) {
    const auto rows = prepend_rows(prompt->num_virtual_tokens(), lengths, begins, x.device());
    return run_layers(rows.apply(prompt->embeddings(), x), rows.lengths, past, cache, nullptr)
        .index_select(0, rows.real);
  }
  auto* prefix = prefix_slot.active();
  if (prefix == nullptr) return run_layers(x, lengths, past, cache, nullptr);
  const auto m = prefix->num_virtual_tokens();
  for (std::size_t s = 0; s < past.size(); ++s) past[s] += begins[s] ? m : 0;
  const PrefixContext context{prefix->keys_and_values(),
                              prepend_rows(m, lengths, begins, x.device()), past};
  return run_layers(x, lengths, past, cache, &context);
}

CausalLMImpl::CausalLMImpl(const CausalLMConfig& model_config) : config(validated(model_config)) {
  model = register_module(names_of(config).decoder, Decoder(config));
  if (!config.tie_word_embeddings) {
    lm_head = register_module("lm_head", Projection(config.hidden_size, config.vocab_size, false));
  }
  for (const auto& module : modules(/*include_self=*/false)) {
    if (const auto host = std::dynamic_pointer_cast<AdapterHost>(module)) host->share(adapters_);
  }
}

Tensor CausalLMImpl::hidden_states(const Sequences& sequences, KvCache* cache) {
  expect_shape(
      sequences.input_ids,
      {std::accumulate(sequences.lengths.begin(), sequences.lengths.end(), std::int64_t{0})},
      "input_ids");
  adapters_->begin_batch(sequences.lengths);
  return model->forward(sequences, cache);
}

Tensor CausalLMImpl::changed_head() const {
  if (!config.tie_word_embeddings) return {};
  const auto* adapter = model->embed_tokens->active_adapter();
  if (adapter == nullptr || !adapter->changes_tied_head()) return {};
  return adapter->whole(model->embed_tokens->dense_weight());
}

Tensor CausalLMImpl::logits(const Tensor& hidden) {
  Tensor scores;
  if (const auto changed = changed_head(); changed.defined()) {
    scores = at::linear(hidden, as_dtype_of(changed, hidden));
  } else if (!config.tie_word_embeddings) {
    scores = lm_head(hidden);
  } else if (const auto& packed = model->embed_tokens->packed) {
    scores = kernels::packed_linear(hidden, packed, {});
  } else {
    scores = at::linear(hidden, head_weight());
  }
  const auto cap = config.final_logit_softcapping;
  return cap == 0 ? scores : at::tanh(scores / cap) * cap;
}

Tensor CausalLMImpl::summed_loss(const Tensor& hidden, const Tensor& targets) {
  const bool is_adapted = !lm_head.is_empty() && lm_head->active_adapter() != nullptr;
  const auto cap = config.final_logit_softcapping;
  if (const auto changed = changed_head(); changed.defined())
    return kernels::linear_cross_entropy(hidden, as_dtype_of(changed, hidden), targets, cap);
  const auto& packed = lm_head.is_empty() ? model->embed_tokens->packed : lm_head->packed;
  if (!is_adapted && packed) return kernels::linear_cross_entropy(hidden, *packed, targets, cap);
  if (!is_adapted)
    return kernels::linear_cross_entropy(hidden, as_dtype_of(head_weight(), hidden), targets, cap);
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
