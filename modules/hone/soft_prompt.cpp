#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <hone/soft_prompt.h>
#include <hone/trainable.h>

namespace hone {

void validate(const PromptTuningConfig& config) {
  if (config.num_virtual_tokens < 1)
    throw std::invalid_argument("num_virtual_tokens must be at least 1");
  const auto& start = config.prompt_tuning_init;
  if (start != "RANDOM" && start != "SAMPLE_VOCAB" && start != "TEXT")
    throw std::invalid_argument("prompt_tuning_init must be RANDOM, SAMPLE_VOCAB or TEXT");
  if (start == "TEXT" && config.prompt_tuning_init_text.empty())
    throw std::invalid_argument("prompt_tuning_init TEXT needs prompt_tuning_init_text");
}

void validate(const PromptEncoderConfig& config) {
  if (config.num_virtual_tokens < 1)
    throw std::invalid_argument("num_virtual_tokens must be at least 1");
  const auto& type = config.encoder_reparameterization_type;
  if (type != "MLP" && type != "LSTM")
    throw std::invalid_argument("encoder_reparameterization_type must be MLP or LSTM");
  if (config.encoder_hidden_size < 0)
    throw std::invalid_argument("encoder_hidden_size must not be negative");
  if (config.encoder_num_layers < 1)
    throw std::invalid_argument("encoder_num_layers must be at least 1");
  if (config.encoder_dropout < 0 || config.encoder_dropout >= 1)
    throw std::invalid_argument("encoder_dropout must be in [0, 1)");
}

SoftPromptImpl::SoftPromptImpl(const Tensor& start) {
  expect_shape(start, {kAnySize, kAnySize}, "start");
  prompt_embeddings = register_parameter("prompt_embeddings", trainable_copy(start));
}

SoftPromptImpl::SoftPromptImpl(const PromptEncoderConfig& config,
                               std::int64_t hidden_size,
                               const at::TensorOptions& options) {
  using torch::nn::Linear, torch::nn::ReLU;
  const auto inner = config.encoder_hidden_size == 0 ? hidden_size : config.encoder_hidden_size;
  const auto node = register_module("embedding", std::make_shared<torch::nn::Module>());
  prompt_embeddings = node->register_parameter(
      "weight", torch::randn({config.num_virtual_tokens, hidden_size}, options));
  if (config.encoder_reparameterization_type == "LSTM") {
    lstm_head =
        register_module("lstm_head", torch::nn::LSTM(torch::nn::LSTMOptions(hidden_size, inner)
                                                         .num_layers(config.encoder_num_layers)
                                                         .dropout(config.encoder_dropout)
                                                         .bidirectional(true)
                                                         .batch_first(true)));
    mlp_head =
        torch::nn::Sequential(Linear(2 * inner, 2 * inner), ReLU(), Linear(2 * inner, hidden_size));
  } else {
    mlp_head = torch::nn::Sequential(Linear(hidden_size, inner), ReLU(), Linear(inner, inner),
                                     ReLU(), Linear(inner, hidden_size));
  }
  register_module("mlp_head", mlp_head);
  to(options.device(), at::typeMetaToScalarType(options.dtype()));
}

Tensor SoftPromptImpl::embeddings() {
  if (!has_encoder()) return prompt_embeddings;
  if (lstm_head.is_empty()) return mlp_head->forward(prompt_embeddings);
  const auto sequence = std::get<0>(lstm_head(prompt_embeddings.unsqueeze(0)));
  return mlp_head->forward(sequence).squeeze(0);
}

}  // namespace hone
