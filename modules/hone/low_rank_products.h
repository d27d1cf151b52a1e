// Updates that are products of low-rank matrices other than B A: LoHa (Hadamard) and LoKr
// (Kronecker), Yeh et al. 2023.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <hone/projection.h>

namespace hone {

/// Options of LoHa under PEFT's names.
struct LoHaConfig {
  std::int64_t r = 8;
  double alpha = 8;  ///< the update is scaled by alpha / r
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all
  std::map<std::string, std::int64_t> rank_pattern = {};
  std::map<std::string, double> alpha_pattern = {};

  bool operator==(const LoHaConfig&) const = default;
};

/// Options of LoKr under PEFT's names.
struct LoKrConfig {
  std::int64_t r = 8;
  double alpha = 8;  ///< the update is scaled by alpha / r
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all
  std::map<std::string, std::int64_t> rank_pattern = {};
  std::map<std::string, double> alpha_pattern = {};
  bool decompose_both = false;  ///< the left factor is a product of two as well, where r allows
  std::int64_t decompose_factor = -1;  ///< size of the left factor; -1: near the square root

  bool operator==(const LoKrConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const LoHaConfig& config);
void validate(const LoKrConfig& config);

/// W + s (w1_a w1_b) o (w2_a w2_b), o the element-wise product: rank up to R^2.
class LoHaImpl : public AdditiveAdapter {
 public:
  /// As PEFT: w2_b = 0, the others Kaiming uniform. `r` and `alpha` of `config` are taken as they
  /// stand.
  LoHaImpl(const ProjectionImpl& base, const LoHaConfig& config);

  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  Tensor weight_delta() const override;

  Tensor hada_w1_a, hada_w2_a;  ///< [out, R]
  Tensor hada_w1_b, hada_w2_b;  ///< [R, in]

 private:
  Tensor delta() const;

  double scale_;
};
TORCH_MODULE(LoHa);

/// W + s (w1 (x) w2), (x) the Kronecker product, with w2 = w2_a w2_b where R is small enough.
class LoKrImpl : public AdditiveAdapter {
 public:
  /// As PEFT: the left factor 0, the right one Kaiming uniform.
  LoKrImpl(const ProjectionImpl& base, const LoKrConfig& config);

  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  Tensor weight_delta() const override;

  Tensor lokr_w1;               ///< [out_l, in_m]; undefined where it is a product
  Tensor lokr_w1_a, lokr_w1_b;  ///< [out_l, R], [R, in_m]
  Tensor lokr_w2;               ///< [out_k, in_n]; undefined where it is a product
  Tensor lokr_w2_a, lokr_w2_b;  ///< [out_k, R], [R, in_n]

 private:
  Tensor left() const;
  Tensor right() const;

  double scale_;
};
TORCH_MODULE(LoKr);

/// `dimension` as a product of two numbers: `factor` and the rest where it divides, otherwise the
/// pair of smallest sum, smaller first, whose smaller is at most `factor` (-1: any).
std::pair<std::int64_t, std::int64_t> factorization(std::int64_t dimension, std::int64_t factor);

}  // namespace hone
