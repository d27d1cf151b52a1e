#include <stdexcept>

#include <hone/causal_lm_config.h>

namespace hone {
namespace {

void check(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

void check_sizes(const CausalLMConfig& config) {
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
}

void check_layers(const CausalLMConfig& config) {
  const auto layers = static_cast<std::size_t>(config.num_hidden_layers);
  const auto fits = [&](const std::vector<bool>& list) {
    return list.empty() || list.size() == layers;
  };
  check(config.sliding_window >= 0, "sliding_window must not be negative");
  check(fits(config.sliding_layers), "layer_types must name every layer");
  check(fits(config.position_free_layers), "no_rope_layers must name every layer");
}

}  // namespace

std::int64_t CausalLMConfig::window_of(std::int64_t layer) const {
  const bool slides = sliding_layers.empty() || sliding_layers[static_cast<std::size_t>(layer)];
  return slides ? sliding_window : 0;
}

bool CausalLMConfig::rotates(std::int64_t layer) const {
  if (learned_positions) return false;
  return position_free_layers.empty() || !position_free_layers[static_cast<std::size_t>(layer)];
}

void validate(const CausalLMConfig& config) {
  check_sizes(config);
  check_layers(config);
  check(config.rms_norm_eps > 0, "rms_norm_eps must be positive");
  check(config.rope_theta > 0, "rope_theta must be positive");
  check(config.attention_scale >= 0, "attention_scale must not be negative");
  check(config.attn_logit_softcapping >= 0, "attn_logit_softcapping must not be negative");
  check(config.final_logit_softcapping >= 0, "final_logit_softcapping must not be negative");
  check(config.partial_rotary_factor > 0 && config.partial_rotary_factor <= 1,
        "partial_rotary_factor must be in (0, 1]");
  check(config.gated_mlp || !config.fused_mlp, "only a gated feed-forward part has a fused matrix");
  validate(config.rope_scaling, rotary_dim(config.head_dim, config.partial_rotary_factor));
}

DecoderNames names_of(const CausalLMConfig& config) {
  DecoderNames names;
  if (config.model_type == "gpt2") {
    return {.decoder = "transformer",
            .embed_tokens = "wte",
            .embed_positions = "wpe",
            .layers = "h",
            .norm = "ln_f",
            .attention = "attn",
            .mlp = "mlp",
            .before_attention = "ln_1",
            .after_attention = "",
            .before_mlp = "ln_2",
            .after_mlp = "",
            .qkv = "c_attn",
            .attention_out = "c_proj",
            .gate_up = "",
            .up = "c_fc",
            .down = "c_proj"};
  }
  if (config.norm_placement == NormPlacement::kBefore) return names;
  const bool also_before = config.norm_placement == NormPlacement::kBoth;
  names.before_attention = also_before ? "input_layernorm" : "";
  names.after_attention = "post_attention_layernorm";
  names.before_mlp = also_before ? "pre_feedforward_layernorm" : "";
  names.after_mlp = "post_feedforward_layernorm";
  return names;
}

}  // namespace hone
