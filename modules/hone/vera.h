// VeRA (Kopiczko et al. 2024): one pair of random matrices for all layers, two trained vectors
// each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <hone/projection.h>

namespace hone {

/// Options of VeRA under PEFT's names.
struct VeraConfig {
  std::int64_t r = 256;
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all
  double vera_dropout = 0;  ///< share of the adapter's input zeroed while training, in [0, 1)
  double d_initial = 0.1;   ///< start of lambda_d
  std::uint64_t projection_prng_key = 0;  ///< seed of the random matrices
  bool save_projection = true;            ///< keep the random matrices in the file

  bool operator==(const VeraConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const VeraConfig& config);

/// The random matrices that all layers share; never trained.
struct VeraProjection {
  Tensor a;  ///< [R, largest in]
  Tensor b;  ///< [largest out, R]

  /// Drawn Kaiming uniform from a generator of their own, `a` first: the same numbers as PEFT.
  static std::shared_ptr<VeraProjection> draw(const VeraConfig& config,
                                              std::int64_t in,
                                              std::int64_t out,
                                              const at::TensorOptions& options);
};

/// y = W x + lambda_b * (B (lambda_d * (A dropout(x)))), with the corner of the shared A and B that
/// fits the layer.
class VeraImpl : public AdditiveAdapter {
 public:
  VeraImpl(const ProjectionImpl& base,
           const VeraConfig& config,
           std::shared_ptr<VeraProjection> projection);

  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  Tensor weight_delta() const override;
  const std::shared_ptr<VeraProjection>& projection() const { return projection_; }

  Tensor vera_lambda_b;  ///< [out], starts as 0
  Tensor vera_lambda_d;  ///< [R], starts as d_initial

 private:
  Tensor a() const;
  Tensor b() const;

  std::shared_ptr<VeraProjection> projection_;
  std::int64_t in_, out_;
  double dropout_;
};
TORCH_MODULE(Vera);

}  // namespace hone
