#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include <hone/base/error.h>
#include <hone/model/gguf_names.h>

namespace hone {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;  // GGUF, Hugging Face

constexpr std::array<Pair, 3> kModelNames = {
    {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}}};
constexpr std::array<Pair, 9> kLayerNames = {{{"attn_norm", "input_layernorm"},
                                              {"attn_q", "self_attn.q_proj"},
                                              {"attn_k", "self_attn.k_proj"},
                                              {"attn_v", "self_attn.v_proj"},
                                              {"attn_output", "self_attn.o_proj"},
                                              {"ffn_norm", "post_attention_layernorm"},
                                              {"ffn_gate", "mlp.gate_proj"},
                                              {"ffn_up", "mlp.up_proj"},
                                              {"ffn_down", "mlp.down_proj"}}};
constexpr std::string_view kGgufLayer = "blk.";
constexpr std::string_view kLayer = "model.layers.";

/// `name` without its last part (`weight` or `bias`), and that part.
std::pair<std::string_view, std::string_view> split_last(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {name, {}};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// Translates between the two columns of the tables.
std::optional<std::string> translate(std::string_view name, bool to_gguf) {
  const auto [stem, kind] = split_last(name);
  if (kind != "weight" && kind != "bias") return std::nullopt;
  const auto from = [&](const Pair& pair) { return to_gguf ? pair.second : pair.first; };
  const auto into = [&](const Pair& pair) { return to_gguf ? pair.first : pair.second; };
  for (const auto& pair : kModelNames) {
    if (from(pair) == stem) return concat(into(pair), ".", kind);
  }
  const auto prefix = to_gguf ? kLayer : kGgufLayer;
  if (!stem.starts_with(prefix)) return std::nullopt;
  const auto rest = stem.substr(prefix.size());
  const auto dot = rest.find('.');
  if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
  const auto index = rest.substr(0, dot);
  if (!std::all_of(index.begin(), index.end(), [](unsigned char c) { return std::isdigit(c); }))
    return std::nullopt;
  for (const auto& pair : kLayerNames) {
    if (from(pair) == rest.substr(dot + 1)) {
      return concat(to_gguf ? kGgufLayer : kLayer, index, ".", into(pair), ".", kind);
    }
  }
  return std::nullopt;
}

bool is_rotated(const std::string& parameter) {
  return parameter.find(".q_proj.") != std::string::npos ||
         parameter.find(".k_proj.") != std::string::npos;
}

/// Swaps the two axes that make up the rows of a head.
Tensor reorder(const Tensor& tensor, const CausalLMConfig& config, bool to_gguf) {
  const auto half = config.head_dim / 2;
  std::vector<std::int64_t> shape = {tensor.size(0) / config.head_dim, to_gguf ? 2 : half,
                                     to_gguf ? half : 2};
  shape.insert(shape.end(), tensor.sizes().begin() + 1, tensor.sizes().end());
  return tensor.reshape(shape).transpose(1, 2).reshape(tensor.sizes()).contiguous();
}

bool has_whole_heads(const Tensor& tensor, const CausalLMConfig& config) {
  return tensor.size(0) % config.head_dim ==
         0;  // a wrong shape is refused where it is put into the model
}

}  // namespace

std::optional<std::string> parameter_of_gguf(std::string_view name) {
  return translate(name, false);
}

std::optional<std::string> gguf_of_parameter(std::string_view name) {
  return translate(name, true);
}

Tensor from_gguf_order(const std::string& parameter,
                       const Tensor& tensor,
                       const CausalLMConfig& config) {
  if (!is_rotated(parameter) || !has_whole_heads(tensor, config)) return tensor;
  return reorder(tensor, config, false);
}

Tensor to_gguf_order(const std::string& parameter,
                     const Tensor& tensor,
                     const CausalLMConfig& config) {
  if (!is_rotated(parameter) || !has_whole_heads(tensor, config)) return tensor;
  return reorder(tensor, config, true);
}

}  // namespace hone
