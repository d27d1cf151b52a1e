#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/model/config_families.h>

namespace hone {
namespace {

constexpr const char* kFull = "full_attention";
constexpr const char* kSliding = "sliding_attention";

// ---- layers with a window ----

/// `layer_types`, or what `slides` says of each layer where the file has none.
template <typename Slides>
void read_layer_types(const ConfigFields& fields, CausalLMConfig& config, const Slides& slides) {
  const auto types = fields.strings("layer_types");
  const auto layers = std::max<std::int64_t>(0, config.num_hidden_layers);
  std::vector<bool> sliding;
  if (types.empty()) {
    for (std::int64_t layer = 0; layer < layers; ++layer) sliding.push_back(slides(layer));
  }
  for (const auto& type : types) {
    if (type != kFull && type != kSliding)
      fail(fields.place(), ": layer_types: \"", type, "\" is not supported");
    sliding.push_back(type == kSliding);
  }
  const bool any = std::find(sliding.begin(), sliding.end(), true) != sliding.end();
  if (!any) config.sliding_window = 0;
  if (config.sliding_window == 0) sliding.clear();
  config.sliding_layers = sliding;
}

void write_layer_types(const CausalLMConfig& config, Json& json) {
  json["sliding_window"] = config.sliding_window == 0 ? Json() : Json(config.sliding_window);
  Json types = Json::array();
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer)
    types.push_back(config.window_of(layer) > 0 ? kSliding : kFull);
  json["layer_types"] = types;
}

/// Every layer slides where the file gives a window.
void read_window(const ConfigFields& fields, CausalLMConfig& config) {
  const bool says_none = fields.json().contains("sliding_window");
  config.sliding_window = fields.integer("sliding_window", says_none ? 0 : config.sliding_window);
}

void write_window(const CausalLMConfig& config, Json& json) {
  json["sliding_window"] = config.sliding_window == 0 ? Json() : Json(config.sliding_window);
}

/// The upper layers slide, where that is switched on.
void read_upper_window(const ConfigFields& fields, CausalLMConfig& config) {
  const bool uses = fields.boolean("use_sliding_window", false);
  config.sliding_window = uses ? fields.integer("sliding_window", 4096) : 0;
  const auto first = fields.integer("max_window_layers", 28);
  read_layer_types(fields, config, [&](std::int64_t layer) { return uses && layer >= first; });
}

void write_upper_window(const CausalLMConfig& config, Json& json) {
  json["use_sliding_window"] = config.sliding_window > 0;
  write_layer_types(config, json);
}

// ---- families ----

void read_attention_bias(const ConfigFields& fields, CausalLMConfig& config) {
  config.attention_bias = fields.boolean("attention_bias", false);
  config.attention_out_bias = config.attention_bias;
}

void read_llama(const ConfigFields& fields, CausalLMConfig& config) {
  read_attention_bias(fields, config);
  config.mlp_bias = fields.boolean("mlp_bias", false);
}

void write_llama(const CausalLMConfig& config, Json& json) {
  json["attention_bias"] = config.attention_bias;
  json["mlp_bias"] = config.mlp_bias;
}

void read_qwen3(const ConfigFields& fields, CausalLMConfig& config) {
  read_attention_bias(fields, config);
  read_upper_window(fields, config);
}

void write_qwen3(const CausalLMConfig& config, Json& json) {
  json["attention_bias"] = config.attention_bias;
  write_upper_window(config, json);
}

void read_smollm3(const ConfigFields& fields, CausalLMConfig& config) {
  read_llama(fields, config);
  const auto interval = fields.integer("no_rope_layer_interval", 4);
  if (interval < 1) fail(fields.place(), ": no_rope_layer_interval must be positive");
  auto rotates = fields.integers("no_rope_layers");  // 1 where a layer does rotate
  for (std::int64_t layer = 0; rotates.empty() && layer < config.num_hidden_layers; ++layer)
    config.position_free_layers.push_back((layer + 1) % interval == 0);
  for (const auto value : rotates) config.position_free_layers.push_back(value == 0);
  config.sliding_window =
      fields.boolean("use_sliding_window", false) ? fields.integer("sliding_window", 0) : 0;
  read_layer_types(fields, config, [&](std::int64_t layer) {
    return config.sliding_window > 0 && config.rotates(layer);
  });
}

void write_smollm3(const CausalLMConfig& config, Json& json) {
  write_llama(config, json);
  write_upper_window(config, json);
  Json rotates = Json::array();
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer)
    rotates.push_back(config.rotates(layer) ? 1 : 0);
  json["no_rope_layers"] = rotates;
}

void read_gemma(const ConfigFields& fields, CausalLMConfig& config) {
  read_attention_bias(fields, config);
  if (fields.boolean("use_bidirectional_attention", false))
    fail(fields.place(), ": use_bidirectional_attention is not supported");
  const auto cap = [&](const char* name, double otherwise) {
    return fields.json().contains(name) ? fields.number(name, 0) : otherwise;
  };
  config.attn_logit_softcapping = cap("attn_logit_softcapping", config.attn_logit_softcapping);
  config.final_logit_softcapping = cap("final_logit_softcapping", config.final_logit_softcapping);
  const auto scalar = fields.number("query_pre_attn_scalar", 256);
  if (scalar <= 0) fail(fields.place(), ": query_pre_attn_scalar must be positive");
  config.attention_scale = 1 / std::sqrt(scalar);
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  config.sliding_window = fields.integer("sliding_window", 4096);
}

void read_gemma2(const ConfigFields& fields, CausalLMConfig& config) {
  read_gemma(fields, config);
  read_layer_types(fields, config, [](std::int64_t layer) { return layer % 2 == 0; });
}

void read_gemma3(const ConfigFields& fields, CausalLMConfig& config) {
  read_gemma(fields, config);
  const auto pattern =
      fields.integer("sliding_window_pattern", fields.integer("_sliding_window_pattern", 6));
  if (pattern < 1) fail(fields.place(), ": sliding_window_pattern must be positive");
  read_layer_types(fields, config, [&](std::int64_t layer) { return (layer + 1) % pattern != 0; });
}

void write_gemma(const CausalLMConfig& config, Json& json) {
  const auto cap = [](double value) { return value == 0 ? Json() : Json(value); };
  json["attention_bias"] = config.attention_bias;
  json["hidden_activation"] = json["hidden_act"];
  json["attn_logit_softcapping"] = cap(config.attn_logit_softcapping);
  json["final_logit_softcapping"] = cap(config.final_logit_softcapping);
  const double scalar = 1 / (config.attention_scale * config.attention_scale);
  json["query_pre_attn_scalar"] =
      std::abs(scalar - std::round(scalar)) < 1e-6 ? Json(std::llround(scalar)) : Json(scalar);
  write_layer_types(config, json);
}

void write_olmo2(const CausalLMConfig& config, Json& json) {
  json["attention_bias"] = config.attention_bias;
}

void write_phi3(const CausalLMConfig& config, Json& json) {
  write_window(config, json);
  if (config.rope_scaling.rope_type != "default") {
    json["original_max_position_embeddings"] = config.rope_scaling.original_max_position_embeddings;
  }
}

CausalLMConfig gemma_defaults() {
  CausalLMConfig config{.head_dim = 256, .max_position_embeddings = 8192};
  config.norm_type = NormType::kRmsPlusOne;
  config.norm_placement = NormPlacement::kBoth;
  config.hidden_act = Activation::kGeluTanh;
  config.tie_word_embeddings = true;
  return config;
}

std::vector<Family> make_families() {
  std::vector<Family> all;
  const auto add = [&](std::string_view type, std::string_view architecture, auto read, auto write,
                       std::vector<std::string_view> fields) -> CausalLMConfig& {
    all.push_back({type, architecture, {}, read, write, std::move(fields)});
    all.back().defaults.model_type = type;
    return all.back().defaults;
  };
  add("llama", "LlamaForCausalLM", read_llama, write_llama, {"attention_bias", "mlp_bias"});
  auto& mistral = add("mistral", "MistralForCausalLM", read_window, write_window, {});
  mistral.max_position_embeddings = 131072;
  mistral.sliding_window = 4096;
  auto& qwen2 = add("qwen2", "Qwen2ForCausalLM", read_upper_window, write_upper_window, {});
  qwen2.max_position_embeddings = 32768;
  qwen2.attention_bias = true;
  auto& qwen3 = add("qwen3", "Qwen3ForCausalLM", read_qwen3, write_qwen3, {"attention_bias"});
  qwen3.max_position_embeddings = 32768;
  qwen3.head_dim = 128;
  qwen3.query_key_norm = QueryKeyNorm::kPerHead;
  auto& smollm3 = add("smollm3", "SmolLM3ForCausalLM", read_smollm3, write_smollm3,
                      {"attention_bias", "mlp_bias", "no_rope_layers", "no_rope_layer_interval"});
  smollm3.max_position_embeddings = 32768;
  smollm3.rope_theta = 2e6;
  smollm3.tie_word_embeddings = true;
  const std::vector<std::string_view> gemma_fields = {
      "attention_bias",        "attn_logit_softcapping", "final_logit_softcapping",
      "query_pre_attn_scalar", "sliding_window_pattern", "use_bidirectional_attention",
      "hidden_activation"};
  auto& gemma2 = add("gemma2", "Gemma2ForCausalLM", read_gemma2, write_gemma, gemma_fields);
  gemma2 = gemma_defaults();
  gemma2.model_type = "gemma2";
  gemma2.attn_logit_softcapping = 50;
  gemma2.final_logit_softcapping = 30;
  auto& gemma3 = add("gemma3_text", "Gemma3ForCausalLM", read_gemma3, write_gemma, gemma_fields);
  gemma3 = gemma_defaults();
  gemma3.model_type = "gemma3_text";
  gemma3.max_position_embeddings = 131072;
  gemma3.query_key_norm = QueryKeyNorm::kPerHead;
  gemma3.rope_theta = 1e6;
  gemma3.sliding_rope_theta = 1e4;
  auto& phi3 = add("phi3", "Phi3ForCausalLM", read_window, write_phi3, {});
  phi3.max_position_embeddings = 4096;
  phi3.rms_norm_eps = 1e-5;
  phi3.fused_qkv = phi3.fused_mlp = true;
  auto& olmo2 =
      add("olmo2", "Olmo2ForCausalLM", read_attention_bias, write_olmo2, {"attention_bias"});
  olmo2.rms_norm_eps = 1e-5;
  olmo2.norm_placement = NormPlacement::kAfter;
  olmo2.query_key_norm = QueryKeyNorm::kWholeWidth;
  return all;
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = make_families();
  return all;
}

const Family* find_family(std::string_view model_type) {
  for (const auto& family : families()) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

}  // namespace hone
