#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/model/config_families.h>
#include <hone/model/config_fields.h>
#include <hone/model/config_json.h>
#include <hone/model/rope_json.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

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
