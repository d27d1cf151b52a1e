// The parameters of a model as a plain model would have them, the active adapter folded in.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <hone/causal_lm.h>

namespace hone {

/// A view of a model without adapters: the base's names, and for each the folded tensor, computed
/// when it is asked for. The model is not changed.
class FoldedParameters {
 public:
  /// Throws `Error` where the active adapter cannot be folded into weights, with the reason.
  explicit FoldedParameters(const CausalLM& model);

  /// The names of the base's parameters, in order.
  std::vector<std::string> names() const;

  /// The base's parameter `name`, expanded where it is packed.
  Tensor original(const std::string& name) const;

  /// Whether the active adapter changes the parameter `name`.
  bool is_folded(const std::string& name) const;

  /// The parameter `name`: what the base has, or with the adapter folded in, in at least fp32.
  Tensor at(const std::string& name) const;

 private:
  std::map<std::string, Tensor> base_;  // undefined where it is packed
  std::map<std::string, Projection> packed_;
  std::map<std::string, std::shared_ptr<TokenEmbeddingImpl>> packed_embeddings_;
  std::map<std::string, Projection> projections_;  // with an active adapter, by name
  std::map<std::string, std::shared_ptr<TokenEmbeddingImpl>> embeddings_;
  std::map<std::string, Tensor> copies_;  // by parameter
};

}  // namespace hone
