// The names and the row order of llama tensors in GGUF files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <hone/causal_lm.h>

namespace hone {

/// `blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`; nothing for a name that a
/// llama model lacks.
std::optional<std::string> parameter_of_gguf(std::string_view name);

/// The reverse.
std::optional<std::string> gguf_of_parameter(std::string_view name);

/// Rows of `tensor` in Hugging Face's order. GGUF stores the rows of q_proj and k_proj of llama
/// models so that the two halves of each head alternate (rows 0, d/2, 1, d/2 + 1 ...); other
/// tensors are returned as they are.
Tensor from_gguf_order(const std::string& parameter,
                       const Tensor& tensor,
                       const CausalLMConfig& config);

/// The reverse.
Tensor to_gguf_order(const std::string& parameter,
                     const Tensor& tensor,
                     const CausalLMConfig& config);

}  // namespace hone
