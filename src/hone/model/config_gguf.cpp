#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/format/gguf_writer.h>
#include <hone/model/config_gguf.h>
#include <hone/model/config_json.h>

namespace hone {
namespace {

/// llama.cpp's architecture and the family whose config.json says the same.
struct Architecture {
  std::string_view gguf;
  std::string_view model_type;
};

constexpr std::array<Architecture, 9> kArchitectures = {{{"llama", "llama"},
                                                         {"qwen2", "qwen2"},
                                                         {"qwen3", "qwen3"},
                                                         {"smollm3", "smollm3"},
                                                         {"gemma2", "gemma2"},
                                                         {"gemma3", "gemma3_text"},
                                                         {"phi3", "phi3"},
                                                         {"olmo2", "olmo2"},
                                                         {"gpt2", "gpt2"}}};

/// Reads `<architecture>.<key>`.
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}
  std::int64_t get_int(const char* key) const { return file_.get_int(name(key)); }
  double get_float(const char* key) const { return file_.get_float(name(key)); }
  std::int64_t find_int(const char* key, std::int64_t otherwise) const {
    return file_.find_int(name(key)).value_or(otherwise);
  }
  double find_float(const char* key, double otherwise) const {
    return file_.find_float(name(key)).value_or(otherwise);
  }
  std::string find_string(const char* key, const char* otherwise) const {
    return file_.find_string(name(key)).value_or(otherwise);
  }
  std::string name(const char* key) const { return prefix_ + "." + key; }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

std::vector<double> factors_of(const GgufFile& file, const char* name) {
  const auto* tensor = file.find_tensor(name);
  if (tensor == nullptr) return {};
  if (tensor->type != GgmlType::F32)
    fail(file.path().string(), ": tensor \"", name, "\" must hold F32");
  std::vector<float> numbers(tensor->bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), tensor->bytes.data(), numbers.size() * sizeof(float));
  return {numbers.begin(), numbers.end()};
}

/// Divisors of the frequencies that lie in the file as tensors: one list (Llama 3), or one for
/// short texts and one for long ones (Phi-3).
void read_factors(const GgufFile& file, const Metadata& data, CausalLMConfig& config) {
  auto& scaling = config.rope_scaling;
  const auto same = factors_of(file, kRopeFactors);
  scaling.short_factor = same.empty() ? factors_of(file, kShortRopeFactors) : same;
  scaling.long_factor = same.empty() ? factors_of(file, kLongRopeFactors) : same;
  if (scaling.short_factor.empty()) return;
  scaling.rope_type = "longrope";
  if (same.empty()) scaling.attention_factor = data.find_float("rope.scaling.attn_factor", 1);
}

void read_rope(const GgufFile& file, const Metadata& data, CausalLMConfig& config) {
  config.rope_theta = data.find_float("rope.freq_base", 10000);
  const auto rotated = data.find_int("rope.dimension_count", config.head_dim);
  config.partial_rotary_factor = static_cast<double>(rotated) /
                                 static_cast<double>(std::max<std::int64_t>(1, config.head_dim));
  auto& scaling = config.rope_scaling;
  scaling.original_max_position_embeddings =
      data.find_int("rope.scaling.original_context_length", config.max_position_embeddings);
  const auto type = data.find_string("rope.scaling.type", "none");
  if (type == "linear" || type == "yarn") {
    scaling.rope_type = type;
    scaling.factor = data.find_float("rope.scaling.factor", 1);
    if (type == "yarn")
      scaling.attention_factor = scaling.factor <= 1 ? 1 : 0.1 * std::log(scaling.factor) + 1;
  } else if (type != "none" && type != "longrope") {
    fail(file.path().string(), ": ", data.name("rope.scaling.type"), " \"", type,
         "\" is not supported (supported: none, linear, yarn, longrope)");
  }
  read_factors(file, data, config);
  if (scaling.rope_type == "default") scaling = RopeScaling{};
}

/// What a family computes beyond its sizes, as llama.cpp computes it.
void read_family(const Metadata& data, CausalLMConfig& config) {
  const auto& type = config.model_type;
  const auto layers = static_cast<std::size_t>(std::max<std::int64_t>(0, config.num_hidden_layers));
  const auto every = [&](std::size_t period, bool last) {
    std::vector<bool> chosen(layers);
    for (std::size_t i = 0; i < layers; ++i) chosen[i] = ((i + 1) % period == 0) == last;
    return chosen;
  };
  if (type == "smollm3") config.position_free_layers = every(4, true);
  if (type == "phi3") config.sliding_window = data.find_int("attention.sliding_window", 0);
  if (type != "gemma2" && type != "gemma3_text") return;
  const bool is_second = type == "gemma2";
  config.attn_logit_softcapping = data.find_float("attn_logit_softcapping", is_second ? 50 : 0);
  config.final_logit_softcapping = data.find_float("final_logit_softcapping", is_second ? 30 : 0);
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  // The largest model of each divides by the width of a head without its own head size.
  const bool is_largest = config.num_hidden_layers == (is_second ? 46 : 62);
  const auto width = is_largest ? config.hidden_size / config.num_attention_heads : config.head_dim;
  config.attention_scale = 1 / std::sqrt(static_cast<double>(width));
  config.sliding_window = data.find_int("attention.sliding_window", 4096);
  config.sliding_layers = every(is_second ? 2 : 6, false);
}

void read_sizes(const GgufFile& file, const Metadata& data, CausalLMConfig& config) {
  config.hidden_size = data.get_int("embedding_length");
  config.intermediate_size = data.get_int("feed_forward_length");
  config.num_hidden_layers = data.get_int("block_count");
  config.num_attention_heads = data.get_int("attention.head_count");
  if (config.num_attention_heads < 1)
    fail(file.path().string(), ": ", data.name("attention.head_count"), " must be positive");
  config.num_key_value_heads = data.find_int("attention.head_count_kv", config.num_attention_heads);
  config.head_dim =
      data.find_int("attention.key_length", config.hidden_size / config.num_attention_heads);
  config.max_position_embeddings = data.find_int("context_length", 2048);
  config.rms_norm_eps = config.norm_type == NormType::kLayerNorm
                            ? data.get_float("attention.layer_norm_epsilon")
                            : data.get_float("attention.layer_norm_rms_epsilon");
  config.vocab_size = file.tensor("token_embd.weight").shape.back();
  config.tie_word_embeddings = file.find_tensor("output.weight") == nullptr;
}

void read_biases(const GgufFile& file, CausalLMConfig& config) {
  const auto has = [&](const char* name) { return file.find_tensor(name) != nullptr; };
  config.attention_bias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
  config.attention_out_bias = has("blk.0.attn_output.bias");
  config.mlp_bias = has("blk.0.ffn_up.bias");
}

/// Writes `<architecture>.<key>`.
class MetadataWriter {
 public:
  MetadataWriter(GgufWriter& writer, std::string prefix)
      : writer_(writer), prefix_(std::move(prefix)) {}
  void add_int(const char* key, std::int64_t value) {
    writer_.add_u32(prefix_ + "." + key, static_cast<std::uint32_t>(value));
  }
  void add_float(const char* key, double value) {
    writer_.add_f32(prefix_ + "." + key, static_cast<float>(value));
  }
  void add_string(const char* key, std::string_view value) {
    writer_.add_string(prefix_ + "." + key, value);
  }

 private:
  GgufWriter& writer_;
  std::string prefix_;
};

void write_rope(MetadataWriter& data, const CausalLMConfig& config) {
  const auto& scaling = config.rope_scaling;
  data.add_float("rope.freq_base", config.rope_theta);
  data.add_int("rope.dimension_count", rotary_dim(config.head_dim, config.partial_rotary_factor));
  if (scaling.rope_type == "linear" || scaling.rope_type == "yarn") {
    data.add_string("rope.scaling.type", scaling.rope_type);
    data.add_float("rope.scaling.factor", scaling.factor);
  }
  if (scaling.rope_type == "yarn" || scaling.rope_type == "longrope")
    data.add_int("rope.scaling.original_context_length", scaling.original_max_position_embeddings);
  if (scaling.rope_type == "longrope")
    data.add_float("rope.scaling.attn_factor", scaling.attention_factor);
}

}  // namespace

void add_config(GgufWriter& writer, const CausalLMConfig& config) {
  const std::string architecture(gguf_architecture(config));
  writer.add_string("general.architecture", architecture);
  MetadataWriter data(writer, architecture);
  data.add_int("context_length", config.max_position_embeddings);
  data.add_int("embedding_length", config.hidden_size);
  data.add_int("block_count", config.num_hidden_layers);
  data.add_int("feed_forward_length", config.intermediate_size);
  data.add_int("attention.head_count", config.num_attention_heads);
  data.add_int("attention.head_count_kv", config.num_key_value_heads);
  data.add_int("attention.key_length", config.head_dim);
  data.add_int("attention.value_length", config.head_dim);
  data.add_float(config.norm_type == NormType::kLayerNorm ? "attention.layer_norm_epsilon"
                                                          : "attention.layer_norm_rms_epsilon",
                 config.rms_norm_eps);
  if (!config.learned_positions) write_rope(data, config);
  if (config.sliding_window > 0) data.add_int("attention.sliding_window", config.sliding_window);
  if (config.attn_logit_softcapping > 0)
    data.add_float("attn_logit_softcapping", config.attn_logit_softcapping);
  if (config.final_logit_softcapping > 0)
    data.add_float("final_logit_softcapping", config.final_logit_softcapping);
}

std::string_view gguf_architecture(const CausalLMConfig& config) {
  for (const auto& known : kArchitectures) {
    if (known.model_type == config.model_type) return known.gguf;
  }
  return config.model_type == "mistral" ? "llama" : "";
}

CausalLMConfig config_from_gguf(const GgufFile& file) {
  const auto place = file.path().string();
  const auto architecture = file.get_string("general.architecture");
  std::string model_type, supported;
  for (const auto& known : kArchitectures) {
    if (known.gguf == architecture) model_type = known.model_type;
    supported += concat(supported.empty() ? "" : ", ", known.gguf);
  }
  if (model_type.empty())
    fail(place, ": architecture \"", architecture, "\" is not supported (supported: ", supported,
         ")");
  const Metadata data(file, architecture);
  auto config = family_defaults(model_type);
  read_sizes(file, data, config);
  read_biases(file, config);
  config.sliding_window = 0;
  if (!config.learned_positions) read_rope(file, data, config);
  read_family(data, config);
  config.bos_token_id = file.find_int("tokenizer.ggml.bos_token_id");
  config.pad_token_id = file.find_int("tokenizer.ggml.padding_token_id");
  if (const auto eos = file.find_int("tokenizer.ggml.eos_token_id")) config.eos_token_ids = {*eos};
  return checked_config(std::move(config), place);
}

}  // namespace hone
