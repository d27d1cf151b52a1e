// LoRA (Hu et al. 2021): W' = W + s B A with s = alpha / r, B = 0 at the start; DoRA, rank
// stabilisation, and starts from the weight's own directions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

#include <hone/projection.h>
#include <hone/token_embedding.h>

namespace hone {

/// Options of LoRA under PEFT's names; the defaults are this project's.
struct LoraConfig {
  std::int64_t r = 8;      ///< rank of the update; at least 1
  double lora_alpha = 16;  ///< the update is scaled by lora_alpha / r
  double lora_dropout =
      0;  ///< share of the adapter's input that is zeroed while training, in [0, 1)
  bool use_rslora = false;    ///< scale by lora_alpha / sqrt(r) (Kalajdzievski 2023)
  bool use_dora = false;      ///< train the norm of each row of W apart (Liu et al. 2024)
  bool lora_bias = false;     ///< B has a bias, scaled with the update
  std::string bias = "none";  ///< biases of the base that are trained too: none, all or lora_only
  /// How A and B start: `true` (A Kaiming uniform, B zero), `gaussian` (A normal with deviation
  /// 1/r, B zero), `false` (both Kaiming uniform), `pissa` (the r largest singular directions of W,
  /// Meng et al. 2024) or `olora` (the first r columns of its QR factors, Büyükakyüz 2024).
  std::string init_lora_weights = "true";
  /// Which modules get an adapter: last parts of names (`q_proj`), dotted ends of names
  /// (`layers.0.self_attn.q_proj`), a regular expression that matches the whole name, or the single
  /// word `all-linear` for all but the head.
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  std::vector<std::string> exclude_modules = {};  ///< likewise, taken out again
  /// Only these layers (indices of `layers.<i>`); empty: all.
  std::vector<std::int64_t> layers_to_transform = {};
  /// Rank and alpha of the modules whose name ends so, where they differ from `r` and `lora_alpha`.
  std::map<std::string, std::int64_t> rank_pattern = {};
  std::map<std::string, double> alpha_pattern = {};
  /// Modules of which the adapter trains and keeps a whole copy (`lm_head`).
  std::vector<std::string> modules_to_save = {};
  std::vector<std::int64_t> trainable_token_indices = {};  ///< embeddings trained, by token id

  bool operator==(const LoraConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const LoraConfig& config);

/// The scale s of the update for rank `r`: alpha / r, or alpha / sqrt(r) with rank stabilisation.
double lora_scale(const LoraConfig& config, std::int64_t r, double lora_alpha);

/// The low-rank update of one projection: y = W x + s B A dropout(x).
///
/// With `use_dora`: y = m/|W + s B A| * (W + s B A) x, the norm taken of each row and held constant
/// in the gradient (section 4.3 of the paper); m starts as the norm of W's rows.
///
/// A start from W's own directions (`pissa`, `olora`) does not touch W: the product that A and B
/// start from is kept and subtracted, y = W x + s (B A dropout(x) - B0 A0 x), which is what
/// training on the residual weight W - s B0 A0 computes.
class LoraImpl : public AdditiveAdapter {
 public:
  /// A and B as `init_lora_weights` says; fp32 unless the base is double. `r` and `lora_alpha` of
  /// `config` are taken as they stand.
  LoraImpl(const ProjectionImpl& base, const LoraConfig& config);

  Tensor output(Tensor y, const Tensor& x, const ProjectionImpl& base) const override;
  FoldedWeights fold(const ProjectionImpl& base) const override;
  FoldedWeights unfold(const ProjectionImpl& merged) const override;

  /// s B A (less s B0 A0), [out, in].
  Tensor weight_delta() const override;

  double scale() const { return scale_; }
  std::int64_t rank() const { return lora_A.size(0); }
  /// Whether the update is measured from a start other than zero.
  bool has_start() const { return start_A.defined(); }

  Tensor lora_A;       ///< [R, in], registered as `lora_A.weight`
  Tensor lora_B;       ///< [out, R], registered as `lora_B.weight`
  Tensor lora_B_bias;  ///< [out], registered as `lora_B.bias`; undefined without lora_bias
  Tensor lora_magnitude_vector;  ///< [out], DoRA's m; undefined without use_dora
  Tensor start_A, start_B;  ///< what A and B started from, fixed; undefined where that was zero

 protected:
  Tensor bias_delta() const override;

 private:
  void start_from(const ProjectionImpl& base, const std::string& start);
  Tensor row_norms(const ProjectionImpl& base) const;
  Tensor dora_output(const Tensor& y, const Tensor& x, const ProjectionImpl& base) const;
  void add_update(Tensor& y, const Tensor& x) const;
  Tensor dropped(const Tensor& x) const;

  double scale_;
  double dropout_;
  mutable Tensor norm_;            // DoRA's, of the weight that was folded
  mutable Tensor packed_squares_;  // |w|^2 of each row of a packed weight
};
TORCH_MODULE(Lora);

/// The low-rank update of an embedding: row i of W + s (B A)^T.
class EmbeddingLoraImpl : public EmbeddingAdapter {
 public:
  /// A = 0, B ~ N(0, 1), as PEFT.
  EmbeddingLoraImpl(const TokenEmbeddingImpl& base, const LoraConfig& config);

  Tensor rows(const Tensor& ids, const Tensor& base_rows) const override;
  Tensor whole(const Tensor& weight) const override;
  Tensor unfold(const Tensor& merged) const override;

  Tensor lora_embedding_A;  ///< [R, V]
  Tensor lora_embedding_B;  ///< [D, R]

 private:
  Tensor delta() const;

  double scale_;
};
TORCH_MODULE(EmbeddingLora);

/// A `torch::nn::Linear` of any model with a LoRA update on it. The linear layer's tensors are
/// shared, not copied, and frozen.
///
///     hone::LoRALinear adapted(linear, {.r = 8, .lora_alpha = 16});
///     optimizer over adapted->adapter_parameters(); ... adapted->merge();
class LoRALinearImpl : public torch::nn::Module {
 public:
  /// `target_modules` and the patterns of `config` have no meaning here. Throws
  /// `std::invalid_argument` for a bad field.
  explicit LoRALinearImpl(const torch::nn::Linear& linear, const LoraConfig& config = {});

  /// `x`: [..., in]. Returns [..., out].
  Tensor forward(const Tensor& x) { return base->forward(x); }

  /// A and B, all that is trained.
  std::vector<Tensor> adapter_parameters() const { return lora->parameters(); }

  /// Folds s B A into the shared weight, so that the wrapped layer alone computes the same;
  /// `unmerge` takes it out.
  void merge() { base->merge(); }
  void unmerge() { base->unmerge(); }

  Projection base{nullptr};
  Lora lora{nullptr};
};
TORCH_MODULE(LoRALinear);

}  // namespace hone
