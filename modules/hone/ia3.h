// IA3 (Liu et al. 2022): learned factors on keys, values and the inside of the feed-forward part.
#pragma once

#include <string>
#include <vector>

#include <hone/projection.h>

namespace hone {

/// Options of IA3 under PEFT's names.
struct Ia3Config {
  std::vector<std::string> target_modules = {"k_proj", "v_proj", "down_proj"};
  /// Those of the targets whose input is scaled instead of their output.
  std::vector<std::string> feedforward_modules = {"down_proj"};

  bool operator==(const Ia3Config&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const Ia3Config& config);

/// y = l * (W x + b), or y = W (l * x) + b where the input is scaled. Starts as l = 1.
class Ia3Impl : public ProjectionAdapter {
 public:
  Ia3Impl(const ProjectionImpl& base, bool scales_input);

  Tensor input(const Tensor& x) const override;
  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  FoldedWeights fold(const ProjectionImpl& base) const override;
  FoldedWeights unfold(const ProjectionImpl& merged) const override;

  Tensor ia3_l;  ///< [out, 1], or [1, in] where the input is scaled

 private:
  FoldedWeights scaled(const ProjectionImpl& layer, const Tensor& factors) const;

  bool scales_input_;
};
TORCH_MODULE(Ia3);

}  // namespace hone
