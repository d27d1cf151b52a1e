#include "tiny_model.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/format/safetensors.h>

#include "shared_data.h"

namespace hone::testing {
namespace {

constexpr std::int64_t kHidden = 16;
constexpr std::int64_t kInner = 24;
constexpr std::int64_t kKeyValue = 8;  // one of two heads

constexpr const char* kTinyTemplate =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% "
    "endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

std::map<std::string, std::vector<std::int64_t>> shapes() {
  std::map<std::string, std::vector<std::int64_t>> all = {
      {"model.embed_tokens.weight", {kTinyRows, kHidden}},
      {"model.norm.weight", {kHidden}},
      {"lm_head.weight", {kTinyRows, kHidden}}};
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
      all[layer + name + ".weight"] = std::move(shape);
    };
    add("input_layernorm", {kHidden});
    add("post_attention_layernorm", {kHidden});
    add("self_attn.q_proj", {kHidden, kHidden});
    add("self_attn.k_proj", {kKeyValue, kHidden});
    add("self_attn.v_proj", {kKeyValue, kHidden});
    add("self_attn.o_proj", {kHidden, kHidden});
    add("mlp.gate_proj", {kInner, kHidden});
    add("mlp.up_proj", {kInner, kHidden});
    add("mlp.down_proj", {kHidden, kInner});
  }
  return all;
}

std::vector<float> values(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const auto size : shape) count *= static_cast<std::size_t>(size);
  if (shape.size() == 1) return std::vector<float>(count, 1);
  std::minstd_rand random(static_cast<unsigned>(name.size()));
  std::vector<float> numbers(count);
  for (auto& number : numbers)
    number = static_cast<float>(static_cast<double>(random() % 2001) / 1000 - 1) / 4;
  if (name == "lm_head.weight") {
    for (auto i = static_cast<std::size_t>(kTinyTokens * kHidden); i < count; ++i) numbers[i] *= 99;
  }
  return numbers;
}

void write_weights(const std::filesystem::path& path) {
  std::map<std::string, std::vector<float>> data;
  std::vector<TensorView> tensors;
  for (const auto& [name, shape] : shapes()) {
    const auto& numbers = data[name] = values(name, shape);
    tensors.push_back(
        {.name = name,
         .dtype = DType::F32,
         .shape = shape,
         .bytes = {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)}});
  }
  write_safetensors(path, tensors);
}

}  // namespace

void write_tiny_model(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_weights(folder / "model.safetensors");
  write_json(folder / "config.json", {{"architectures", {"LlamaForCausalLM"}},
                                      {"model_type", "llama"},
                                      {"vocab_size", kTinyRows},
                                      {"hidden_size", kHidden},
                                      {"intermediate_size", kInner},
                                      {"num_hidden_layers", 2},
                                      {"num_attention_heads", 2},
                                      {"num_key_value_heads", 1},
                                      {"max_position_embeddings", 64},
                                      {"rms_norm_eps", 1e-6},
                                      {"tie_word_embeddings", false}});
  write_file(folder / "tokenizer.json", read_file(fixture_path("text/byte_level.json")));
  write_file(folder / "tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
  write_file(folder / "chat_template.jinja", kTinyTemplate);
}

}  // namespace hone::testing
