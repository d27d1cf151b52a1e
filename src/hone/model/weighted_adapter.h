// Weighted sums of LoRA adapters: several made into one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/lora.h>

namespace hone {

/// How adapters are combined, under PEFT's names.
struct CombineOptions {
  /// `linear`: sums of the A and of the B, each weighted by the root (ranks must be equal);
  /// `cat`: laid side by side, exact, the ranks add up; `svd`: the sum of the updates, cut to
  /// `svd_rank`. `ties` (Yadav et al. 2023) keeps the largest `density` of the numbers, and of
  /// those the ones with the majority's sign; `dare_linear` and `dare_ties` (Yu et al. 2024) keep a
  /// random `density` of them, enlarged by its inverse; `magnitude_prune` keeps the largest and
  /// sums. Each of these four also as `..._svd`, on the updates instead of A and B.
  std::string combination_type = "linear";
  double density = 0.5;                        ///< share of the numbers kept, [0, 1]
  std::string majority_sign_method = "total";  ///< total or frequency
  std::int64_t svd_rank = 0;                   ///< 0: the largest rank of the adapters

  bool operator==(const CombineOptions&) const = default;
};

/// Throws `Error` naming the first option that is out of range.
void validate(const CombineOptions& options);

/// The weighted combination of tensors of one shape, by the kind before `_svd`. Random kinds draw
/// from LibTorch's CPU generator, tensor by tensor.
Tensor combine(const std::vector<Tensor>& tensors,
               const std::vector<double>& weights,
               const CombineOptions& options);

/// Adds an adapter `name` that combines the LoRA `adapters` with `weights`, and makes it the active
/// one. Returns its configuration, with lora_alpha = r, to be saved with. Throws `Error` for an
/// adapter that is not there or is no plain LoRA, and for ranks that a kind cannot combine.
LoraConfig add_weighted_adapter(CausalLM& model,
                                const std::vector<std::string>& adapters,
                                const std::vector<double>& weights,
                                const std::string& name,
                                const CombineOptions& options = {});

}  // namespace hone
