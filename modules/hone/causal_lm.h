// The decoder: token ids to hidden states to logits.
#pragma once

#include <cstdint>
#include <optional>

#include <torch/nn/modules/container/modulelist.h>

#include <hone/attention.h>
#include <hone/bottleneck.h>
#include <hone/causal_lm_config.h>
#include <hone/prefix_kv.h>
#include <hone/soft_prompt.h>
#include <hone/token_embedding.h>

namespace hone {

/// x + attention(x), then x + feed_forward(x), each normalised before, after or both as
/// `NormPlacement` says. Behind each of the two a bottleneck adapter may stand.
class DecoderLayerImpl : public torch::nn::Module, public AdapterHost {
 public:
  /// The layer `layer`, counted from 0.
  DecoderLayerImpl(const CausalLMConfig& config, std::int64_t layer);
  /// `x`: [N, D]. Returns [N, D].
  Tensor forward(const Tensor& x, const AttentionImpl::Context& context);

  void share(const std::shared_ptr<AdapterSwitch>& adapters) override;
  const std::shared_ptr<AdapterSwitch>& adapter_switch() const override {
    return after_mlp_slot.adapter_switch();
  }
  bool holds_adapter(const std::string& name) const override;
  void remove_adapter(const std::string& name) override;
  std::string merge_obstacle() const override;

  AdapterSlot<BottleneckImpl> after_attention_slot{"attention_adapters"};
  AdapterSlot<BottleneckImpl> after_mlp_slot{"mlp_adapters"};
  Attention self_attn{nullptr};
  FeedForward mlp{nullptr};
  /// Those that the family lacks are empty.
  Norm before_attention{nullptr}, after_attention{nullptr}, before_mlp{nullptr}, after_mlp{nullptr};
};
TORCH_MODULE(DecoderLayer);

/// Embedding, layers and final norm: everything below the head. Learned vectors, or learned keys
/// and values, may stand in front of every sequence; they count as places, and no caller sees them.
class DecoderImpl : public torch::nn::Module, public AdapterHost {
 public:
  explicit DecoderImpl(const CausalLMConfig& config);
  /// Hidden states after the final norm, [N, D].
  Tensor forward(const Sequences& sequences, KvCache* cache);

  void share(const std::shared_ptr<AdapterSwitch>& adapters) override;
  const std::shared_ptr<AdapterSwitch>& adapter_switch() const override {
    return prompt_slot.adapter_switch();
  }
  bool holds_adapter(const std::string& name) const override;
  void remove_adapter(const std::string& name) override;
  std::string merge_obstacle() const override;

  /// Whether each layer is computed again in the backward pass instead of keeping what it needs:
  /// about a third more time for a fraction of the memory. See `checkpoint`.
  bool gradient_checkpointing = false;
  /// While training, noise of this size is added to the embeddings of tokens; 0: none. See
  /// `neftune`.
  double neftune_noise_alpha = 0;

  AdapterSlot<SoftPromptImpl> prompt_slot{"prompt_adapters"};
  AdapterSlot<PrefixKVImpl> prefix_slot{"prefix_adapters"};
  TokenEmbedding embed_tokens{nullptr};
  TokenEmbedding embed_positions{nullptr};  ///< empty where positions are rotated
  torch::nn::ModuleList layers{nullptr};
  Norm norm{nullptr};

 private:
  Tensor embed(const Tensor& ids);
  Tensor run_layers(Tensor x,
                    const std::vector<std::int64_t>& lengths,
                    const std::vector<std::int64_t>& past,
                    KvCache* cache,
                    const PrefixContext* prefix);

  double embedding_scale_;
  std::optional<RotaryTable> rotary_;          // none where positions are learned
  std::optional<RotaryTable> sliding_rotary_;  // none where sliding layers rotate as the others do
};
TORCH_MODULE(Decoder);

/// A causal language model. Parameters carry the names that Hugging Face gives them in the family
/// (`model.layers.0.self_attn.q_proj.weight`), so files need no renaming.
class CausalLMImpl : public torch::nn::Module {
 public:
  /// Builds the modules; weights are allocated, not initialised. Throws as `validate`.
  explicit CausalLMImpl(const CausalLMConfig& model_config);

  /// Hidden states after the final norm, [N, D]. With a cache, sequence s goes on where it ended in
  /// the calls before.
  Tensor hidden_states(const Sequences& sequences, KvCache* cache = nullptr);

  /// The head at chosen positions: `hidden`: [M, D]. Returns logits [M, V] in the dtype of the
  /// weights.
  Tensor logits(const Tensor& hidden);

  /// The sum over positions of -log p(target), a scalar, without the logits ever standing in
  /// memory. `hidden`: [M, D]; `targets`: [M], int64.
  Tensor summed_loss(const Tensor& hidden, const Tensor& targets);

  /// Logits of a padded batch. `input_ids`: [B, T]; `attention_mask`: [B, T], or undefined. Returns
  /// [B, T, V], zero under padding.
  Tensor forward(const Tensor& input_ids, const Tensor& attention_mask = {});

  /// Whether a cache of `past` tokens no longer serves a sequence that grows to `total`: beyond its
  /// trained context a longrope model rotates every token anew, so the text must be read again.
  bool outgrows_cache(std::int64_t past, std::int64_t total) const;

  /// A cache for `sequences` sequences of about `capacity` tokens.
  KvCache make_cache(std::int64_t sequences, std::int64_t capacity) const;

  /// Draws every weight as the family is initialised before pre-training: normal with deviation
  /// 0.02, norms 1, biases 0.
  void reset_parameters();

  /// The matrix of the head, [V, D]: the embedding where they are tied. Undefined where it is
  /// packed.
  const Tensor& head_weight() const;

  /// The switch that every place for adapters in this model asks.
  const std::shared_ptr<AdapterSwitch>& adapters() const { return adapters_; }

  const CausalLMConfig config;
  Decoder model{nullptr};
  Projection lm_head{nullptr};  ///< empty where the head is tied

 private:
  Tensor changed_head() const;

  std::shared_ptr<AdapterSwitch> adapters_ = std::make_shared<AdapterSwitch>();
};
TORCH_MODULE(CausalLM);

}  // namespace hone
