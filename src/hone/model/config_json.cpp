#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string_view>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/model/config_fields.h>
#include <hone/model/config_json.h>
#include <hone/model/rope_json.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

constexpr const char* kFull = "full_attention";
constexpr const char* kSliding = "sliding_attention";

/// A family: its model_type, the class that transformers builds, its defaults and what its
/// config.json says beyond the fields that all share.
struct Family {
  std::string_view model_type;
  std::string_view architecture;
  CausalLMConfig defaults;
  void (*read)(const ConfigFields&, CausalLMConfig&);
  void (*write)(const CausalLMConfig&, Json&);
  /// Fields of the family's own that `read` looks at.
  std::vector<std::string_view> fields;
};

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

const std::vector<Family>& families() {
  static const std::vector<Family> all = make_families();
  return all;
}

// ---- what all share ----

Activation activation_of(const ConfigFields& fields, const char* name, Activation otherwise) {
  const auto word = fields.string(name, "");
  if (word.empty()) return otherwise;
  if (word == "silu" || word == "swish") return Activation::kSilu;
  if (word == "gelu") return Activation::kGelu;
  if (word == "gelu_new" || word == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  fail(fields.place(), ": ", name, " \"", word,
       "\" is not supported (supported: silu, gelu, gelu_new, gelu_pytorch_tanh)");
}

const char* word_of(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      break;
  }
  return "gelu_pytorch_tanh";
}

/// Fields that change no result of ours: how a model was made, trained or is served.
bool changes_nothing(std::string_view name) {
  static constexpr std::array kNames = {"architectures",
                                        "attention_dropout",
                                        "attn_implementation",
                                        "attn_pdrop",
                                        "auto_map",
                                        "bad_words_ids",
                                        "cache_implementation",
                                        "chunk_size_feed_forward",
                                        "do_sample",
                                        "dtype",
                                        "embd_pdrop",
                                        "hidden_dropout",
                                        "hidden_dropout_prob",
                                        "id2label",
                                        "initializer_range",
                                        "is_decoder",
                                        "is_encoder_decoder",
                                        "is_llama_config",
                                        "label2id",
                                        "layer_types",
                                        "max_length",
                                        "max_window_layers",
                                        "model_type",
                                        "output_attentions",
                                        "output_hidden_states",
                                        "pretraining_tp",
                                        "problem_type",
                                        "resid_pdrop",
                                        "return_dict",
                                        "rope_interleaved",
                                        "rope_local_base_freq",
                                        "rope_parameters",
                                        "rope_scaling",
                                        "rope_theta",
                                        "sliding_window",
                                        "summary_activation",
                                        "summary_first_dropout",
                                        "summary_proj_to_labels",
                                        "summary_type",
                                        "summary_use_proj",
                                        "task_specific_params",
                                        "temperature",
                                        "torch_dtype",
                                        "top_k",
                                        "top_p",
                                        "transformers.js_config",
                                        "unsloth_fixed",
                                        "use_cache",
                                        "use_sliding_window",
                                        "original_max_position_embeddings",
                                        "partial_rotary_factor"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.starts_with("_") ||
         name.find("version") != std::string_view::npos;
}

bool is_shared(std::string_view name) {
  static constexpr std::array kNames = {"vocab_size",
                                        "hidden_size",
                                        "intermediate_size",
                                        "num_hidden_layers",
                                        "num_attention_heads",
                                        "num_key_value_heads",
                                        "head_dim",
                                        "max_position_embeddings",
                                        "rms_norm_eps",
                                        "hidden_act",
                                        "tie_word_embeddings",
                                        "bos_token_id",
                                        "eos_token_id",
                                        "pad_token_id"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Fields of other versions and variants that switch something off.
bool is_off(const Json& value) {
  return value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
         (value.is_number() && value.get<double>() == 0) ||
         (value.is_structured() && value.empty());
}

/// A field that nobody looks at might be one that changes the result.
void refuse_unknown(const ConfigFields& fields, const std::vector<std::string_view>& own) {
  for (const auto& [name, value] : fields.json().items()) {
    if (changes_nothing(name) || is_off(value)) continue;
    if (is_shared(name) || std::find(own.begin(), own.end(), name) != own.end()) continue;
    fail(fields.place(), ": \"", name, "\": ", value.dump().substr(0, 60), " is not known in a ",
         fields.string("model_type", ""), " model and might change it");
  }
}

void refuse_unsupported(const ConfigFields& fields, std::string_view architecture) {
  if (fields.find("quantization_config") != nullptr) {
    fail(fields.place(),
         ": \"quantization_config\" is not supported; use an unquantised folder or a GGUF file");
  }
  for (const auto& name : fields.strings("architectures")) {
    if (name != architecture)
      fail(fields.place(), ": architecture \"", name, "\" is not supported (", architecture,
           " is)");
  }
}

void read_tokens(const ConfigFields& fields, CausalLMConfig& config) {
  if (const auto ids = fields.integers("bos_token_id"); !ids.empty()) config.bos_token_id = ids[0];
  if (const auto ids = fields.integers("pad_token_id"); !ids.empty()) config.pad_token_id = ids[0];
  config.eos_token_ids = fields.integers("eos_token_id");
}

void write_tokens(const CausalLMConfig& config, Json& json) {
  if (config.bos_token_id) json["bos_token_id"] = *config.bos_token_id;
  if (config.pad_token_id) json["pad_token_id"] = *config.pad_token_id;
  if (config.eos_token_ids.size() == 1) json["eos_token_id"] = config.eos_token_ids[0];
  if (config.eos_token_ids.size() > 1) json["eos_token_id"] = config.eos_token_ids;
}

/// Sizes under the names that every family but GPT-2 uses.
void read_sizes(const ConfigFields& fields, CausalLMConfig& config) {
  config.vocab_size = fields.integer("vocab_size");
  config.hidden_size = fields.integer("hidden_size");
  config.intermediate_size = fields.integer("intermediate_size");
  config.num_hidden_layers = fields.integer("num_hidden_layers");
  config.num_attention_heads = fields.integer("num_attention_heads");
  if (config.num_attention_heads < 1)
    fail(fields.place(), ": num_attention_heads must be positive");
  config.num_key_value_heads = fields.integer("num_key_value_heads", config.num_attention_heads);
  const auto even = config.hidden_size / config.num_attention_heads;
  config.head_dim = fields.integer("head_dim", config.head_dim == 0 ? even : config.head_dim);
  config.max_position_embeddings =
      fields.integer("max_position_embeddings", config.max_position_embeddings);
  config.rms_norm_eps = fields.number("rms_norm_eps", config.rms_norm_eps);
  config.hidden_act = activation_of(
      fields, fields.find("hidden_activation") != nullptr ? "hidden_activation" : "hidden_act",
      config.hidden_act);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", config.tie_word_embeddings);
}

Json sizes_json(const CausalLMConfig& config) {
  return {{"head_dim", config.head_dim},
          {"hidden_act", word_of(config.hidden_act)},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"max_position_embeddings", config.max_position_embeddings},
          {"num_attention_heads", config.num_attention_heads},
          {"num_hidden_layers", config.num_hidden_layers},
          {"num_key_value_heads", config.num_key_value_heads},
          {"rms_norm_eps", config.rms_norm_eps}};
}

// ---- GPT-2, which has names of its own ----

constexpr const char* kGpt2 = "gpt2";
constexpr const char* kGpt2Architecture = "GPT2LMHeadModel";

CausalLMConfig gpt2_kinds() {
  CausalLMConfig config;
  config.model_type = kGpt2;
  config.norm_type = NormType::kLayerNorm;
  config.hidden_act = Activation::kGeluTanh;
  config.gated_mlp = false;
  config.fused_qkv = true;
  config.attention_bias = config.attention_out_bias = config.mlp_bias = true;
  config.learned_positions = true;
  config.tie_word_embeddings = true;
  return config;
}

CausalLMConfig gpt2_from_json(const ConfigFields& fields) {
  refuse_unsupported(fields, kGpt2Architecture);
  refuse_unknown(fields, {"n_positions", "n_ctx", "n_embd", "n_layer", "n_head", "n_inner",
                          "activation_function", "layer_norm_epsilon", "scale_attn_weights"});
  if (!fields.boolean("scale_attn_weights", true))
    fail(fields.place(), ": scale_attn_weights false is not supported");
  auto config = gpt2_kinds();
  config.vocab_size = fields.integer("vocab_size");
  config.hidden_size = fields.integer("n_embd");
  config.intermediate_size = fields.integer("n_inner", 4 * config.hidden_size);
  config.num_hidden_layers = fields.integer("n_layer");
  config.num_attention_heads = config.num_key_value_heads = fields.integer("n_head");
  if (config.num_attention_heads < 1) fail(fields.place(), ": n_head must be positive");
  config.head_dim = config.hidden_size / config.num_attention_heads;
  config.max_position_embeddings = fields.integer("n_positions", 1024);
  config.rms_norm_eps = fields.number("layer_norm_epsilon", 1e-5);
  config.hidden_act = activation_of(fields, "activation_function", config.hidden_act);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", true);
  return config;
}

Json gpt2_to_json(const CausalLMConfig& config) {
  const bool is_tanh = config.hidden_act == Activation::kGeluTanh;
  return {{"activation_function", is_tanh ? "gelu_new" : word_of(config.hidden_act)},
          {"layer_norm_epsilon", config.rms_norm_eps},
          {"n_embd", config.hidden_size},
          {"n_head", config.num_attention_heads},
          {"n_inner", config.intermediate_size},
          {"n_layer", config.num_hidden_layers},
          {"n_positions", config.max_position_embeddings}};
}

std::string supported_types() {
  std::string list = kGpt2;
  for (const auto& family : families()) list += concat(", ", family.model_type);
  return list;
}

const Family* find_family(std::string_view model_type) {
  for (const auto& family : families()) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

}  // namespace

CausalLMConfig config_from_json(const Json& json, const std::string& place) {
  const ConfigFields fields(json, place);
  const auto type = fields.string("model_type", "");
  CausalLMConfig config;
  if (type == kGpt2) {
    config = gpt2_from_json(fields);
  } else {
    const auto* family = find_family(type);
    if (family == nullptr) {
      fail(place, ": model_type \"", type, "\" is not supported (supported: ", supported_types(),
           ")");
    }
    refuse_unsupported(fields, family->architecture);
    refuse_unknown(fields, family->fields);
    config = family->defaults;
    read_sizes(fields, config);
    read_rope(fields, config);
    family->read(fields, config);
  }
  read_tokens(fields, config);
  return checked_config(std::move(config), place);
}

CausalLMConfig family_defaults(const std::string& model_type) {
  if (model_type == kGpt2) return gpt2_kinds();
  const auto* family = find_family(model_type);
  if (family == nullptr) throw std::invalid_argument("no family " + model_type);
  return family->defaults;
}

CausalLMConfig checked_config(CausalLMConfig config, const std::string& place) {
  try {
    validate(config);
  } catch (const std::invalid_argument& error) {
    fail(place, ": ", error.what());
  }
  const auto last = config.vocab_size - 1;
  if (config.pad_token_id && (*config.pad_token_id < 0 || *config.pad_token_id > last))
    fail(place, ": pad_token_id ", *config.pad_token_id, " is outside 0..", last);
  return config;
}

Json config_to_json(const CausalLMConfig& config, at::ScalarType dtype) {
  Json json;
  if (config.model_type == kGpt2) {
    json = gpt2_to_json(config);
    json["architectures"] = {kGpt2Architecture};
  } else {
    const auto* family = find_family(config.model_type);
    if (family == nullptr)
      throw std::invalid_argument("no config.json for model_type " + config.model_type);
    json = sizes_json(config);
    json["architectures"] = {family->architecture};
    write_rope(config, json);
    family->write(config, json);
  }
  json["model_type"] = config.model_type;
  json["vocab_size"] = config.vocab_size;
  json["tie_word_embeddings"] = config.tie_word_embeddings;
  json["dtype"] = json["torch_dtype"] = dtype_word(dtype);
  write_tokens(config, json);
  if (config_from_json(json, "config.json") != config)
    throw std::invalid_argument("a " + config.model_type +
                                " config.json cannot express this configuration");
  return json;
}

}  // namespace hone
