// Learned vectors in front of every sequence: prompt tuning (Lester et al. 2021) and P-tuning (Liu
// et al. 2021).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/rnn.h>

#include <hone/shapes.h>

namespace hone {

/// Options of prompt tuning under PEFT's names.
struct PromptTuningConfig {
  std::int64_t num_virtual_tokens = 20;
  /// How the vectors start: `RANDOM` (normal), `SAMPLE_VOCAB` (embeddings of tokens drawn at
  /// random) or `TEXT` (those of `prompt_tuning_init_text`, repeated or cut).
  std::string prompt_tuning_init = "RANDOM";
  std::string prompt_tuning_init_text = {};
  /// The tokens of that text, for whoever has the tokenizer to fill in; not kept in files.
  std::vector<std::int64_t> prompt_tuning_init_ids = {};

  bool operator==(const PromptTuningConfig&) const = default;
};

/// Options of P-tuning under PEFT's names.
struct PromptEncoderConfig {
  std::int64_t num_virtual_tokens = 20;
  std::string encoder_reparameterization_type = "MLP";  ///< MLP or LSTM
  std::int64_t encoder_hidden_size = 0;                 ///< 0: the model's hidden size
  std::int64_t encoder_num_layers = 2;                  ///< of the LSTM; the MLP has three matrices
  double encoder_dropout = 0;                           ///< between the layers of the LSTM

  bool operator==(const PromptEncoderConfig&) const = default;
};

/// Throw `std::invalid_argument` naming the first field that is out of range.
void validate(const PromptTuningConfig& config);
void validate(const PromptEncoderConfig& config);

/// m vectors of the model's hidden size that stand in front of every sequence as its first tokens.
class SoftPromptImpl : public torch::nn::Module {
 public:
  /// The vectors themselves are trained. `start`: [m, D].
  explicit SoftPromptImpl(const Tensor& start);

  /// An encoder makes them of m learned vectors: Linear, ReLU, Linear, ReLU, Linear (`MLP`), or a
  /// bidirectional LSTM with Linear, ReLU, Linear behind it.
  SoftPromptImpl(const PromptEncoderConfig& config,
                 std::int64_t hidden_size,
                 const at::TensorOptions& options);

  /// The virtual tokens, [m, D].
  Tensor embeddings();

  std::int64_t num_virtual_tokens() const { return prompt_embeddings.size(0); }
  bool has_encoder() const { return !mlp_head.is_empty(); }

  Tensor
      prompt_embeddings;  ///< [m, D]; below an encoder its input, registered as `embedding.weight`
  torch::nn::Sequential mlp_head{nullptr};
  torch::nn::LSTM lstm_head{nullptr};
};
TORCH_MODULE(SoftPrompt);

}  // namespace hone
