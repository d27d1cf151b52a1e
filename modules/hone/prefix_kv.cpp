#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <hone/prefix_kv.h>

namespace hone {

void validate(const PrefixTuningConfig& config) {
  if (config.num_virtual_tokens < 1)
    throw std::invalid_argument("num_virtual_tokens must be at least 1");
  if (config.encoder_hidden_size < 0)
    throw std::invalid_argument("encoder_hidden_size must not be negative");
}

PrefixKVImpl::PrefixKVImpl(const PrefixTuningConfig& config,
                           const Shape& shape,
                           const at::TensorOptions& options)
    : shape_(shape) {
  const auto m = config.num_virtual_tokens, width = shape.width();
  const auto whole = 2 * shape.layers * width;
  if (!config.prefix_projection) {
    prompt_embeddings = register_parameter("prompt_embeddings", torch::randn({m, whole}, options));
    return;
  }
  const auto inner = config.encoder_hidden_size == 0 ? width : config.encoder_hidden_size;
  const auto node = register_module("embedding", std::make_shared<torch::nn::Module>());
  prompt_embeddings = node->register_parameter("weight", torch::randn({m, width}, options));
  transform = register_module(
      "transform", torch::nn::Sequential(torch::nn::Linear(width, inner), torch::nn::Tanh(),
                                         torch::nn::Linear(inner, whole)));
  to(options.device(), at::typeMetaToScalarType(options.dtype()));
}

Tensor PrefixKVImpl::embeddings() {
  return has_encoder() ? transform->forward(prompt_embeddings) : prompt_embeddings;
}

Tensor PrefixKVImpl::keys_and_values() {
  return embeddings()
      .view({num_virtual_tokens(), 2 * shape_.layers, shape_.kv_heads, shape_.head_dim})
      .transpose(0, 1);
}

}  // namespace hone
