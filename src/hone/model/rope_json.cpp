#include <algorithm>
#include <cmath>

#include <hone/model/rope_json.h>

namespace hone {
namespace {

constexpr const char* kFull = "full_attention";
constexpr const char* kSliding = "sliding_attention";

/// The default growth of attention scores with the stretch, from the YaRN paper.
double yarn_scale(double stretch, double mscale) {
  return stretch <= 1 ? 1 : 0.1 * mscale * std::log(stretch) + 1;
}

/// What transformers multiplies cos and sin by where the file does not say.
double default_attention_factor(const ConfigFields& fields,
                                const RopeScaling& scaling,
                                std::int64_t context) {
  const auto original = static_cast<double>(scaling.original_max_position_embeddings);
  if (scaling.rope_type == "yarn") {
    const double mscale = fields.number("mscale", 0), all = fields.number("mscale_all_dim", 0);
    if (mscale != 0 && all != 0)
      return yarn_scale(scaling.factor, mscale) / yarn_scale(scaling.factor, all);
    return yarn_scale(scaling.factor, 1);
  }
  if (scaling.rope_type != "longrope") return 1;
  const double stretch = static_cast<double>(context) / original;
  return stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original));
}

RopeScaling read_scaling(const ConfigFields& fields,
                         std::int64_t context,
                         std::int64_t trained_context) {
  RopeScaling scaling;
  scaling.rope_type = fields.string("rope_type", fields.string("type", "default"));
  if (scaling.rope_type == "su") scaling.rope_type = "longrope";  // its first name
  if (scaling.rope_type == "default") return scaling;
  scaling.original_max_position_embeddings =
      fields.integer("original_max_position_embeddings", trained_context);
  const bool is_longrope = scaling.rope_type == "longrope";
  const auto stretch =
      static_cast<double>(context) /
      static_cast<double>(std::max<std::int64_t>(1, scaling.original_max_position_embeddings));
  scaling.factor =
      fields.number("factor", is_longrope || scaling.rope_type == "yarn" ? stretch : 1);
  scaling.low_freq_factor = fields.number("low_freq_factor", scaling.low_freq_factor);
  scaling.high_freq_factor = fields.number("high_freq_factor", scaling.high_freq_factor);
  scaling.beta_fast = fields.number("beta_fast", scaling.beta_fast);
  scaling.beta_slow = fields.number("beta_slow", scaling.beta_slow);
  scaling.truncate = fields.boolean("truncate", true);
  scaling.short_factor = fields.numbers("short_factor");
  scaling.long_factor = fields.numbers("long_factor");
  scaling.attention_factor =
      fields.number("attention_factor", default_attention_factor(fields, scaling, context));
  return scaling;
}

void read_one(const ConfigFields& rope, std::int64_t trained_context, CausalLMConfig& config) {
  config.rope_theta = rope.number("rope_theta", config.rope_theta);
  config.partial_rotary_factor = rope.number("partial_rotary_factor", config.partial_rotary_factor);
  config.rope_scaling = read_scaling(rope, config.max_position_embeddings, trained_context);
}

void read_per_layer_type(const ConfigFields& rope,
                         std::int64_t trained_context,
                         CausalLMConfig& config) {
  read_one(rope.object(kFull), trained_context, config);
  const auto sliding = rope.object(kSliding);
  config.sliding_rope_theta = sliding.number("rope_theta", 10000);
  if (const auto type = sliding.string("rope_type", "default"); type != "default")
    fail(sliding.place(), ": rope_type \"", type, "\" is not supported in sliding layers");
}

Json scaling_json(const CausalLMConfig& config) {
  const auto& scaling = config.rope_scaling;
  Json rope = {{"rope_type", scaling.rope_type}, {"rope_theta", config.rope_theta}};
  if (config.partial_rotary_factor != 1)
    rope["partial_rotary_factor"] = config.partial_rotary_factor;
  if (scaling.rope_type == "default") return rope;
  rope["factor"] = scaling.factor;
  rope["original_max_position_embeddings"] = scaling.original_max_position_embeddings;
  if (scaling.rope_type == "llama3") {
    rope["low_freq_factor"] = scaling.low_freq_factor;
    rope["high_freq_factor"] = scaling.high_freq_factor;
  } else if (scaling.rope_type == "yarn") {
    rope["beta_fast"] = scaling.beta_fast;
    rope["beta_slow"] = scaling.beta_slow;
    rope["truncate"] = scaling.truncate;
    rope["attention_factor"] = scaling.attention_factor;
  } else if (scaling.rope_type == "longrope") {
    rope["short_factor"] = scaling.short_factor;
    rope["long_factor"] = scaling.long_factor;
    rope["attention_factor"] = scaling.attention_factor;
  }
  return rope;
}

}  // namespace

void read_rope(const ConfigFields& fields, CausalLMConfig& config) {
  const auto trained =
      fields.integer("original_max_position_embeddings", config.max_position_embeddings);
  config.rope_theta = fields.number("rope_theta", config.rope_theta);
  config.partial_rotary_factor =
      fields.number("partial_rotary_factor", config.partial_rotary_factor);
  if (fields.find("rope_local_base_freq") != nullptr)
    config.sliding_rope_theta = fields.number("rope_local_base_freq", 10000);
  if (fields.find("rope_scaling") != nullptr)
    read_one(fields.object("rope_scaling"), trained, config);
  if (fields.find("rope_parameters") == nullptr) return;
  const auto rope = fields.object("rope_parameters");
  if (rope.find(kFull) != nullptr) {
    read_per_layer_type(rope, trained, config);
  } else {
    read_one(rope, trained, config);
  }
}

void write_rope(const CausalLMConfig& config, Json& json) {
  const auto rope = scaling_json(config);
  json["rope_theta"] = config.rope_theta;
  if (config.rope_scaling.rope_type != "default") json["rope_scaling"] = rope;
  if (!config.sliding_rope_theta) {
    json["rope_parameters"] = rope;
    return;
  }
  json["rope_local_base_freq"] = *config.sliding_rope_theta;
  json["rope_parameters"] = {
      {kFull, rope},
      {kSliding, {{"rope_type", "default"}, {"rope_theta", *config.sliding_rope_theta}}}};
}

}  // namespace hone
