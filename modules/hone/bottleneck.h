// Bottleneck adapters: a small feed-forward network behind or beside a sublayer (Houlsby et al.
// 2019, Pfeiffer et al. 2021, He et al. 2022).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

#include <hone/causal_lm_config.h>
#include <hone/shapes.h>

namespace hone {

/// Options of bottleneck adapters, under the names of AdapterHub.
struct BottleneckConfig {
  /// `houlsby`: behind attention and behind the feed-forward part; `pfeiffer`: behind the
  /// feed-forward part alone; `parallel`: beside the feed-forward part, on what it is given.
  std::string kind = "pfeiffer";
  double reduction_factor = 16;    ///< the inner width is the hidden size divided by this
  std::string non_linearity = {};  ///< relu, swish or gelu; empty: swish for houlsby, else relu
  double scaling = 0;              ///< factor of the adapter's output; 0: 4 for parallel, else 1
  std::vector<std::int64_t> layers_to_transform = {};  ///< only these layers; empty: all

  bool operator==(const BottleneckConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const BottleneckConfig& config);

/// f(z) = s up(act(down(z))), up starting as 0.
///
/// In series it changes a sublayer's output h to h + f(h), before that is added to the residual; in
/// parallel the feed-forward part, given z, gives h + f(z).
class BottleneckImpl : public torch::nn::Module {
 public:
  BottleneckImpl(std::int64_t hidden_size,
                 const BottleneckConfig& config,
                 const at::TensorOptions& options);

  /// `given`: [N, D], what the sublayer was given; `out`: [N, D], what it gave.
  Tensor forward(const Tensor& given, const Tensor& out);

  torch::nn::Linear adapter_down{nullptr}, adapter_up{nullptr};

 private:
  std::string activation_;
  double scaling_;
  bool parallel_;
};
TORCH_MODULE(Bottleneck);

}  // namespace hone
