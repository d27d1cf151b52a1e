// LoRA (Hu et al. 2021): W' = W + s B A with s = alpha / r, B = 0 at the start.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

#include <hone/projection.h>

namespace hone {

/// Options of LoRA under PEFT's names; the defaults are this project's.
struct LoraConfig {
  std::int64_t r = 8;      ///< rank of the update; at least 1
  double lora_alpha = 16;  ///< the update is scaled by lora_alpha / r
  double lora_dropout =
      0;  ///< share of the adapter's input that is zeroed while training, in [0, 1)
  bool use_rslora = false;  ///< scale by lora_alpha / sqrt(r) (Kalajdzievski 2023)
  /// Which projections get an adapter: last parts of names (`q_proj`), or dotted ends of names
  /// (`layers.0.self_attn.q_proj`), or the single word `all-linear` for all but the head.
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  /// Only these layers (indices of `layers.<i>`); empty: all.
  std::vector<std::int64_t> layers_to_transform = {};
  /// Rank and alpha of the modules whose name ends so, where they differ from `r` and `lora_alpha`.
  std::map<std::string, std::int64_t> rank_pattern = {};
  std::map<std::string, double> alpha_pattern = {};

  bool operator==(const LoraConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const LoraConfig& config);

/// The scale s of the update for rank `r`: alpha / r, or alpha / sqrt(r) with rank stabilisation.
double lora_scale(const LoraConfig& config, std::int64_t r, double lora_alpha);

/// The low-rank update of one projection: y = W x + s B A dropout(x).
class LoraImpl : public ProjectionAdapter {
 public:
  /// A ~ U(-1/sqrt(in), 1/sqrt(in)) (Kaiming uniform with a = sqrt 5, as PEFT), B = 0; both fp32
  /// unless the base is double. `r` and `lora_alpha` of `config` are taken as they stand.
  LoraImpl(const ProjectionImpl& base, const LoraConfig& config);

  Tensor forward(const Tensor& x, const ProjectionImpl& base) override;

  /// s B A, [out, in].
  std::optional<Tensor> weight_delta(const ProjectionImpl& base) const override;

  double scale() const { return scale_; }
  std::int64_t rank() const { return lora_A.size(0); }

  Tensor lora_A;  ///< [R, in], registered as `lora_A.weight`
  Tensor lora_B;  ///< [out, R], registered as `lora_B.weight`

 private:
  double scale_;
  double dropout_;
};
TORCH_MODULE(Lora);

/// A `torch::nn::Linear` of any model with a LoRA update on it. The linear layer's tensors are
/// shared, not copied, and frozen.
///
///     hone::LoRALinear adapted(linear, {.r = 8, .lora_alpha = 16});
///     optimizer over adapted->adapter_parameters(); ... adapted->merge();
class LoRALinearImpl : public torch::nn::Module {
 public:
  /// `target_modules` and the patterns of `config` have no meaning here. Throws
  /// `std::invalid_argument` for a bad field.
  explicit LoRALinearImpl(const torch::nn::Linear& linear, const LoraConfig& config = {});

  /// `x`: [..., in]. Returns [..., out].
  Tensor forward(const Tensor& x) { return base->forward(x); }

  /// A and B, all that is trained.
  std::vector<Tensor> adapter_parameters() const { return {lora->lora_A, lora->lora_B}; }

  /// Folds s B A into the shared weight, so that the wrapped layer alone computes the same;
  /// `unmerge` takes it out.
  void merge() { base->merge(); }
  void unmerge() { base->unmerge(); }

  Projection base{nullptr};
  Lora lora{nullptr};
};
TORCH_MODULE(LoRALinear);

}  // namespace hone
