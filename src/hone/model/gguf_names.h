// The names, the row order and the offsets of tensors in GGUF files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <hone/causal_lm.h>

namespace hone {

/// `blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`, in the family of `config`;
/// nothing for a name that such a model lacks.
std::optional<std::string> parameter_of_gguf(std::string_view name, const CausalLMConfig& config);

/// The reverse.
std::optional<std::string> gguf_of_parameter(std::string_view name, const CausalLMConfig& config);

/// The parameter `parameter` as hone holds it, from `tensor` as GGUF stores it: the rows of q_proj
/// and k_proj of llama and smollm3 models lie so that the two halves of each head alternate (rows
/// 0, d/2, 1, d/2 + 1 ...), and Gemma's norms carry the 1 that is added to them. Other tensors are
/// returned as they are.
Tensor from_gguf_order(const std::string& parameter,
                       const Tensor& tensor,
                       const CausalLMConfig& config);

/// The reverse.
Tensor to_gguf_order(const std::string& parameter,
                     const Tensor& tensor,
                     const CausalLMConfig& config);

}  // namespace hone
