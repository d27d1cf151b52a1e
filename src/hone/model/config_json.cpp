#include <stdexcept>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/model/config_json.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

/// Typed access to the fields of one JSON object, with messages that name the field.
class Fields {
 public:
  Fields(const Json& json, std::string place) : json_(json), place_(std::move(place)) {
    if (!json.is_object()) fail(place_, ": expected an object, got ", json.type_name());
  }

  /// Null and missing are the same.
  const Json* find(const char* name) const {
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  std::int64_t integer(const char* name) const {
    const auto* value = find(name);
    if (value == nullptr) fail(place_, ": \"", name, "\" is missing");
    return integer(name, *value);
  }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    const auto* value = find(name);
    return value == nullptr ? otherwise : integer(name, *value);
  }
  double number(const char* name, double otherwise) const {
    const auto* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_number()) fail(place_, ": \"", name, "\" must be a number, got ", value->dump());
    return value->get<double>();
  }
  bool boolean(const char* name, bool otherwise) const {
    const auto* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean())
      fail(place_, ": \"", name, "\" must be true or false, got ", value->dump());
    return value->get<bool>();
  }
  std::string string(const char* name, const std::string& otherwise) const {
    const auto* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) fail(place_, ": \"", name, "\" must be a string, got ", value->dump());
    return value->get<std::string>();
  }
  std::vector<std::int64_t> integers(const char* name) const {
    const auto* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_array()) return {integer(name, *value)};
    std::vector<std::int64_t> numbers;
    for (const auto& item : *value) numbers.push_back(integer(name, item));
    return numbers;
  }

  const std::string& place() const { return place_; }

 private:
  std::int64_t integer(const char* name, const Json& value) const {
    if (!value.is_number_integer())
      fail(place_, ": \"", name, "\" must be an integer, got ", value.dump());
    return value.get<std::int64_t>();
  }

  const Json& json_;
  std::string place_;
};

CausalLMConfig checked(CausalLMConfig config, const std::string& place) {
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

RopeScaling read_rope(const Fields& fields, std::int64_t context) {
  RopeScaling scaling;
  scaling.rope_type = fields.string("rope_type", fields.string("type", "default"));
  scaling.factor = fields.number("factor", 1);
  scaling.low_freq_factor = fields.number("low_freq_factor", 1);
  scaling.high_freq_factor = fields.number("high_freq_factor", 4);
  scaling.original_max_position_embeddings =
      fields.integer("original_max_position_embeddings", context);
  return scaling;
}

void read_rotary(const Fields& fields, CausalLMConfig& config) {
  config.rope_theta = fields.number("rope_theta", config.rope_theta);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    const auto* rotary = fields.find(name);
    if (rotary == nullptr) continue;
    const Fields inner(*rotary, concat(fields.place(), ": \"", name, "\""));
    config.rope_theta = inner.number("rope_theta", config.rope_theta);
    config.rope_scaling = read_rope(inner, config.max_position_embeddings);
  }
}

void refuse_unsupported(const Fields& fields) {
  const auto type = fields.string("model_type", "");
  if (type != "llama") {
    fail(fields.place(), ": model_type \"", type, "\" is not supported (supported: llama)");
  }
  const auto activation = fields.string("hidden_act", "silu");
  if (activation != "silu")
    fail(fields.place(), ": hidden_act \"", activation, "\" is not supported (silu is)");
  if (fields.find("quantization_config") != nullptr) {
    fail(fields.place(),
         ": \"quantization_config\" is not supported; use an unquantised folder or a GGUF file");
  }
}

}  // namespace

CausalLMConfig config_from_json(const Json& json, const std::string& place) {
  const Fields fields(json, place);
  refuse_unsupported(fields);
  CausalLMConfig config;
  config.vocab_size = fields.integer("vocab_size");
  config.hidden_size = fields.integer("hidden_size");
  config.intermediate_size = fields.integer("intermediate_size");
  config.num_hidden_layers = fields.integer("num_hidden_layers");
  config.num_attention_heads = fields.integer("num_attention_heads");
  config.num_key_value_heads = fields.integer("num_key_value_heads", config.num_attention_heads);
  if (config.num_attention_heads < 1) fail(place, ": num_attention_heads must be positive");
  config.head_dim = fields.integer("head_dim", config.hidden_size / config.num_attention_heads);
  config.max_position_embeddings = fields.integer("max_position_embeddings", 2048);
  config.rms_norm_eps = fields.number("rms_norm_eps", 1e-6);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  config.attention_bias = fields.boolean("attention_bias", false);
  config.mlp_bias = fields.boolean("mlp_bias", false);
  read_rotary(fields, config);
  if (const auto ids = fields.integers("bos_token_id"); !ids.empty()) config.bos_token_id = ids[0];
  if (const auto ids = fields.integers("pad_token_id"); !ids.empty()) config.pad_token_id = ids[0];
  config.eos_token_ids = fields.integers("eos_token_id");
  return checked(std::move(config), place);
}

Json config_to_json(const CausalLMConfig& config, at::ScalarType dtype) {
  Json rope = {{"rope_type", config.rope_scaling.rope_type}, {"rope_theta", config.rope_theta}};
  if (config.rope_scaling.rope_type != "default") rope["factor"] = config.rope_scaling.factor;
  if (config.rope_scaling.rope_type == "llama3") {
    rope["low_freq_factor"] = config.rope_scaling.low_freq_factor;
    rope["high_freq_factor"] = config.rope_scaling.high_freq_factor;
    rope["original_max_position_embeddings"] = config.rope_scaling.original_max_position_embeddings;
  }
  Json json = {{"architectures", {"LlamaForCausalLM"}},
               {"attention_bias", config.attention_bias},
               {"dtype", dtype_word(dtype)},
               {"head_dim", config.head_dim},
               {"hidden_act", "silu"},
               {"hidden_size", config.hidden_size},
               {"intermediate_size", config.intermediate_size},
               {"max_position_embeddings", config.max_position_embeddings},
               {"mlp_bias", config.mlp_bias},
               {"model_type", config.model_type},
               {"num_attention_heads", config.num_attention_heads},
               {"num_hidden_layers", config.num_hidden_layers},
               {"num_key_value_heads", config.num_key_value_heads},
               {"rms_norm_eps", config.rms_norm_eps},
               {"rope_parameters", rope},
               // The same for readers that are older than `rope_parameters` and `dtype`.
               {"rope_theta", config.rope_theta},
               {"torch_dtype", dtype_word(dtype)},
               {"tie_word_embeddings", config.tie_word_embeddings},
               {"vocab_size", config.vocab_size}};
  if (config.rope_scaling.rope_type != "default") json["rope_scaling"] = rope;
  if (config.bos_token_id) json["bos_token_id"] = *config.bos_token_id;
  if (config.pad_token_id) json["pad_token_id"] = *config.pad_token_id;
  if (config.eos_token_ids.size() == 1) json["eos_token_id"] = config.eos_token_ids[0];
  if (config.eos_token_ids.size() > 1) json["eos_token_id"] = config.eos_token_ids;
  return json;
}

CausalLMConfig config_from_gguf(const GgufFile& file) {
  const auto place = file.path().string();
  const auto architecture = file.get_string("general.architecture");
  if (architecture != "llama") {
    fail(place, ": architecture \"", architecture, "\" is not supported (supported: llama)");
  }
  const auto scaling = file.find_string("llama.rope.scaling.type").value_or("none");
  if (scaling != "none" && scaling != "linear") {
    fail(place, ": llama.rope.scaling.type \"", scaling,
         "\" is not supported (supported: none, linear)");
  }
  CausalLMConfig config;
  config.hidden_size = file.get_int("llama.embedding_length");
  config.intermediate_size = file.get_int("llama.feed_forward_length");
  config.num_hidden_layers = file.get_int("llama.block_count");
  config.num_attention_heads = file.get_int("llama.attention.head_count");
  config.num_key_value_heads =
      file.find_int("llama.attention.head_count_kv").value_or(config.num_attention_heads);
  if (config.num_attention_heads < 1) fail(place, ": llama.attention.head_count must be positive");
  config.head_dim = file.find_int("llama.attention.key_length")
                        .value_or(config.hidden_size / config.num_attention_heads);
  if (file.find_int("llama.rope.dimension_count").value_or(config.head_dim) != config.head_dim) {
    fail(place, ": llama.rope.dimension_count differs from the head size, which is not supported");
  }
  config.max_position_embeddings = file.find_int("llama.context_length").value_or(2048);
  config.rms_norm_eps = file.get_float("llama.attention.layer_norm_rms_epsilon");
  config.rope_theta = file.find_float("llama.rope.freq_base").value_or(10000);
  config.rope_scaling.rope_type = scaling == "none" ? "default" : scaling;
  config.rope_scaling.factor = file.find_float("llama.rope.scaling.factor").value_or(1);
  config.vocab_size = file.tensor("token_embd.weight").shape.back();
  config.tie_word_embeddings = file.find_tensor("output.weight") == nullptr;
  config.attention_bias = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  config.mlp_bias = file.find_tensor("blk.0.ffn_up.bias") != nullptr;
  config.bos_token_id = file.find_int("tokenizer.ggml.bos_token_id");
  config.pad_token_id = file.find_int("tokenizer.ggml.padding_token_id");
  if (const auto eos = file.find_int("tokenizer.ggml.eos_token_id")) config.eos_token_ids = {*eos};
  return checked(std::move(config), place);
}

}  // namespace hone
