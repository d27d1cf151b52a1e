// AdaLoRA (Zhang et al. 2023): an update in the form of a singular value decomposition.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hone/projection.h>

namespace hone {

/// Options of AdaLoRA under PEFT's names. The ranks stay at `init_r`: the schedule that takes ranks
/// away while training, and its orthogonality penalty, are not there.
struct AdaLoraConfig {
  std::int64_t init_r = 12;
  double lora_alpha = 8;
  double lora_dropout = 0;  ///< share of the adapter's input zeroed while training, in [0, 1)
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all

  bool operator==(const AdaLoraConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const AdaLoraConfig& config);

/// y = W x + s B (E * (A dropout(x))) with s = lora_alpha / (R + 1e-5).
class AdaLoraImpl : public AdditiveAdapter {
 public:
  /// A and B normal with deviation 0.02, E = 0, as PEFT.
  AdaLoraImpl(const ProjectionImpl& base, const AdaLoraConfig& config);

  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  Tensor weight_delta() const override;

  Tensor lora_A;  ///< [R, in]
  Tensor lora_E;  ///< [R, 1]
  Tensor lora_B;  ///< [out, R]

 private:
  double scale_, dropout_;
};
TORCH_MODULE(AdaLora);

}  // namespace hone
