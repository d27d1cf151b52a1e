// OFT (Qiu et al. 2023): the input of a layer is rotated, block by block.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hone/projection.h>

namespace hone {

/// Options of OFT under PEFT's names.
struct OftConfig {
  std::int64_t oft_block_size = 32;  ///< must divide the width of each target's input
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all
  /// R = (I + Q)(I - Q)^-1 cut after so many terms of its series, instead of exactly.
  bool use_cayley_neumann = true;
  std::int64_t num_cayley_neumann_terms = 5;

  bool operator==(const OftConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const OftConfig& config);

/// y = W (x R) + b, R block-diagonal with one rotation for each block of the input; R = I at the
/// start. A block of size n is given by the n (n - 1) / 2 numbers above the diagonal of a skew
/// matrix Q.
class OftImpl : public ProjectionAdapter {
 public:
  /// Throws `c10::Error` where the block size does not divide the input's width.
  OftImpl(const ProjectionImpl& base, const OftConfig& config);

  Tensor input(const Tensor& x) const override;
  FoldedWeights fold(const ProjectionImpl& base) const override;
  FoldedWeights unfold(const ProjectionImpl& merged) const override;

  Tensor oft_R;  ///< [blocks, n (n - 1) / 2], registered as `oft_R.weight`

 private:
  Tensor rotations() const;
  FoldedWeights rotated(const ProjectionImpl& layer, const Tensor& blocks) const;

  std::int64_t size_, terms_;
  bool exact_;
};
TORCH_MODULE(Oft);

}  // namespace hone
