#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include <hone/base/error.h>
#include <hone/model/gguf_names.h>

namespace hone {
namespace {

/// One module under both names; GGUF's first.
struct Pair {
  std::string gguf, ours;
};

constexpr std::string_view kGgufLayer = "blk.";

/// Modules outside of the layers.
std::vector<Pair> model_names(const CausalLMConfig& config) {
  const auto names = names_of(config);
  const auto in_decoder = [&](const std::string& name) { return names.decoder + "." + name; };
  std::vector<Pair> pairs = {{"token_embd", in_decoder(names.embed_tokens)},
                             {"output_norm", in_decoder(names.norm)},
                             {"output", "lm_head"}};
  if (config.learned_positions)
    pairs.push_back({"position_embd", in_decoder(names.embed_positions)});
  return pairs;
}

/// Modules of one layer.
std::vector<Pair> layer_names(const CausalLMConfig& config) {
  const auto names = names_of(config);
  const auto attention = names.attention + ".", mlp = names.mlp + ".";
  std::vector<Pair> pairs = {{"attn_norm", names.before_attention},
                             {"post_attention_norm", names.after_attention},
                             {"ffn_norm", names.before_mlp},
                             {"post_ffw_norm", names.after_mlp},
                             {"attn_output", attention + names.attention_out},
                             {"attn_q_norm", attention + "q_norm"},
                             {"attn_k_norm", attention + "k_norm"},
                             {"ffn_gate", mlp + "gate_proj"},
                             {"ffn_up", mlp + (config.fused_mlp ? names.gate_up : names.up)},
                             {"ffn_down", mlp + names.down}};
  if (config.fused_qkv) {
    pairs.push_back({"attn_qkv", attention + names.qkv});
  } else {
    for (const char* part : {"q", "k", "v"})
      pairs.push_back({concat("attn_", part), attention + part + "_proj"});
  }
  return pairs;
}

/// `name` without its last part (`weight` or `bias`), and that part.
std::pair<std::string_view, std::string_view> split_last(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {name, {}};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// Translates between the two columns of the tables.
std::optional<std::string> translate(std::string_view name,
                                     const CausalLMConfig& config,
                                     bool to_gguf) {
  const auto [stem, kind] = split_last(name);
  if (kind != "weight" && kind != "bias") return std::nullopt;
  const auto from = [&](const Pair& pair) { return to_gguf ? pair.ours : pair.gguf; };
  const auto into = [&](const Pair& pair) { return to_gguf ? pair.gguf : pair.ours; };
  for (const auto& pair : model_names(config)) {
    if (from(pair) == stem) return concat(into(pair), ".", kind);
  }
  const auto names = names_of(config);
  const auto ours = names.decoder + "." + names.layers + ".";
  const std::string theirs(kGgufLayer);
  const auto& prefix = to_gguf ? ours : theirs;
  if (!stem.starts_with(prefix)) return std::nullopt;
  const auto rest = stem.substr(prefix.size());
  const auto dot = rest.find('.');
  if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
  const auto index = rest.substr(0, dot);
  if (!std::all_of(index.begin(), index.end(), [](unsigned char c) { return std::isdigit(c); }))
    return std::nullopt;
  for (const auto& pair : layer_names(config)) {
    if (!pair.ours.empty() && from(pair) == rest.substr(dot + 1))
      return concat(to_gguf ? theirs : ours, index, ".", into(pair), ".", kind);
  }
  return std::nullopt;
}

/// llama.cpp rotates neighbouring channels in these families, so their rows are reordered.
bool is_reordered(const std::string& parameter, const CausalLMConfig& config) {
  const auto& type = config.model_type;
  if (type != "llama" && type != "mistral" && type != "smollm3") return false;
  return parameter.find(".q_proj.") != std::string::npos ||
         parameter.find(".k_proj.") != std::string::npos;
}

/// Gemma's norms are stored with the 1 that is added to them.
bool is_offset(const std::string& parameter, const CausalLMConfig& config) {
  return config.norm_type == NormType::kRmsPlusOne && parameter.ends_with("norm.weight");
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

std::optional<std::string> parameter_of_gguf(std::string_view name, const CausalLMConfig& config) {
  return translate(name, config, false);
}

std::optional<std::string> gguf_of_parameter(std::string_view name, const CausalLMConfig& config) {
  return translate(name, config, true);
}

Tensor from_gguf_order(const std::string& parameter,
                       const Tensor& tensor,
                       const CausalLMConfig& config) {
  if (is_offset(parameter, config)) return tensor - 1;
  if (!is_reordered(parameter, config) || !has_whole_heads(tensor, config)) return tensor;
  return reorder(tensor, config, false);
}

Tensor to_gguf_order(const std::string& parameter,
                     const Tensor& tensor,
                     const CausalLMConfig& config) {
  if (is_offset(parameter, config)) return tensor + 1;
  if (!is_reordered(parameter, config) || !has_whole_heads(tensor, config)) return tensor;
  return reorder(tensor, config, true);
}

}  // namespace hone
