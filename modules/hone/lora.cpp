#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <hone/lora.h>
#include <hone/trainable.h>

namespace hone {
namespace {

void check(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

/// Carries the name `lora_A` or `lora_B` above its parameters, as PEFT's files have it.
struct WeightNode : torch::nn::Module {
  explicit WeightNode(Tensor weight, Tensor bias = {}) {
    register_parameter("weight", std::move(weight));
    if (bias.defined()) register_parameter("bias", std::move(bias));
  }
};

}  // namespace

void validate(const LoraConfig& config) {
  check(config.r >= 1, "r must be at least 1");
  check(std::isfinite(config.lora_alpha) && config.lora_alpha > 0, "lora_alpha must be positive");
  check(config.lora_dropout >= 0 && config.lora_dropout < 1, "lora_dropout must be in [0, 1)");
  check(!config.target_modules.empty(), "target_modules must name at least one module");
  for (const auto& [name, rank] : config.rank_pattern)
    check(rank >= 1, "rank_pattern: ranks must be at least 1");
  check(config.bias == "none" || config.bias == "all" || config.bias == "lora_only",
        "bias must be none, all or lora_only");
  const auto& start = config.init_lora_weights;
  const bool from_weight = start == "pissa" || start == "olora";
  check(from_weight || start == "true" || start == "false" || start == "gaussian",
        "init_lora_weights must be true, false, gaussian, pissa or olora");
  check(!from_weight || !config.use_dora, "use_dora cannot be combined with pissa or olora");
}

double lora_scale(const LoraConfig& config, std::int64_t r, double lora_alpha) {
  return lora_alpha /
         (config.use_rslora ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r));
}

LoraImpl::LoraImpl(const ProjectionImpl& base, const LoraConfig& config)
    : scale_(lora_scale(config, config.r, config.lora_alpha)), dropout_(config.lora_dropout) {
  validate(config);
  const auto options = base.adapter_options();
  lora_A = torch::empty({config.r, base.in_features()}, options);
  lora_B = torch::zeros({base.out_features(), config.r}, options);
  start_from(base, config.init_lora_weights);
  register_module("lora_A", std::make_shared<WeightNode>(lora_A.requires_grad_()));
  if (config.lora_bias) lora_B_bias = torch::zeros({base.out_features()}, options).requires_grad_();
  register_module("lora_B", std::make_shared<WeightNode>(lora_B.requires_grad_(), lora_B_bias));
  if (!config.use_dora) return;
  lora_magnitude_vector = register_parameter("lora_magnitude_vector", row_norms(base).clone());
}

void LoraImpl::start_from(const ProjectionImpl& base, const std::string& start) {
  torch::NoGradGuard no_grad;
  const double kaiming = std::sqrt(5.0);
  if (start == "true" || start == "false") torch::nn::init::kaiming_uniform_(lora_A, kaiming);
  if (start == "false") torch::nn::init::kaiming_uniform_(lora_B, kaiming);
  if (start == "gaussian") lora_A.normal_(0, 1.0 / static_cast<double>(rank()));
  if (start != "pissa" && start != "olora") return;
  const auto weight = base.dense_weight().to(lora_A.scalar_type());
  TORCH_CHECK(rank() <= std::min(weight.size(0), weight.size(1)), start, ": rank ", rank(),
              " is above that of a ", weight.sizes(), " matrix");
  if (start == "pissa") {
    const auto [u, s, vh] = at::linalg_svd(weight, /*full_matrices=*/false);
    const auto root = s.narrow(0, 0, rank()).div(scale_).sqrt();
    lora_A.copy_(root.unsqueeze(1) * vh.narrow(0, 0, rank()));
    lora_B.copy_(u.narrow(1, 0, rank()) * root);
  } else {
    const auto [q, r] = at::linalg_qr(weight);
    lora_A.copy_(r.narrow(0, 0, rank()));
    lora_B.copy_(q.narrow(1, 0, rank()));
  }
  start_A = register_buffer("start_A", lora_A.clone());
  start_B = register_buffer("start_B", lora_B.clone());
}

Tensor LoraImpl::dropped(const Tensor& x) const {
  return dropout_ > 0 && is_training() ? at::dropout(x, dropout_, /*train=*/true) : x;
}

void LoraImpl::add_update(Tensor& y, const Tensor& x) const {
  // The product is accumulated onto the base's output in place: no third tensor of that size.
  auto rows = y.view({-1, y.size(-1)});
  const auto add = [&](const Tensor& in, const Tensor& a, const Tensor& b, double scale) {
    const auto low = at::linear(in, a.to(x.scalar_type()));  // [..., R]
    rows.addmm_(low.reshape({-1, low.size(-1)}), b.to(x.scalar_type()).t(), 1, scale);
  };
  add(dropped(x), lora_A, lora_B, scale_);
  if (has_start()) add(x, start_A, start_B, -scale_);
  if (lora_B_bias.defined()) rows.add_(lora_B_bias.to(x.scalar_type()), scale_);
}

Tensor LoraImpl::output(Tensor y, const Tensor& x, const ProjectionImpl& base) const {
  if (lora_magnitude_vector.defined()) return dora_output(y, x, base);
  add_update(y, x);
  return y;
}

/// |W + s B A| of each row, [out], without a matrix of W's size:
/// |w|^2 + 2 s (W A^T) . b + s^2 b^T (A A^T) b.
Tensor LoraImpl::row_norms(const ProjectionImpl& base) const {
  torch::NoGradGuard no_grad;
  const auto squares = [&] {
    return at::linalg_vector_norm(base.packed ? base.dense_weight() : base.weight, 2,
                                  at::IntArrayRef{1}, false, lora_B.scalar_type())
        .square();
  };
  // A packed weight is expanded once for this: it never changes.
  if (base.packed && !packed_squares_.defined()) packed_squares_ = squares();
  const auto own = base.packed ? packed_squares_ : squares();
  const auto a = base.packed ? lora_A : as_dtype_of(lora_A, base.weight);
  const auto mixed = as_dtype_of(base.product(a).t(), lora_B);
  const auto low = at::matmul(lora_B, at::matmul(lora_A, lora_A.t()));
  return (own + (mixed * 2 * scale_ + low * (scale_ * scale_)).mul(lora_B).sum(1))
      .clamp_min(0)
      .sqrt();
}

Tensor LoraImpl::dora_output(const Tensor& y, const Tensor& x, const ProjectionImpl& base) const {
  const auto factor = (lora_magnitude_vector / row_norms(base)).to(x.scalar_type());
  const auto bias = base.bias.defined() ? base.bias.to(x.scalar_type()) : Tensor();
  // As in PEFT, dropout acts on the whole change: y + (factor - 1) W d + factor s B A d with d =
  // dropout(x).
  const auto in = dropped(x);
  const auto plain = bias.defined() ? y - bias : y;
  auto changed = in.is_same(x) ? plain.clone() : base.product(in);
  const auto kept = in.is_same(x) ? Tensor() : changed.clone();
  auto rows = changed.view({-1, changed.size(-1)});
  const auto low = at::linear(in, lora_A.to(x.scalar_type()));
  rows.addmm_(low.reshape({-1, low.size(-1)}), lora_B.to(x.scalar_type()).t(), 1, scale_);
  auto result = changed * factor;
  if (kept.defined()) result = result + (plain - kept);
  if (bias.defined()) result = result + bias;
  if (lora_B_bias.defined()) result = result + lora_B_bias.to(x.scalar_type()) * factor * scale_;
  return result;
}

Tensor LoraImpl::weight_delta() const {
  torch::NoGradGuard no_grad;
  auto delta = at::matmul(lora_B, lora_A).mul_(scale_);
  if (has_start()) delta.addmm_(start_B, start_A, 1, -scale_);
  return delta;
}

Tensor LoraImpl::bias_delta() const {
  return lora_B_bias.defined() ? lora_B_bias.detach() * scale_ : Tensor();
}

FoldedWeights LoraImpl::fold(const ProjectionImpl& base) const {
  auto folded = AdditiveAdapter::fold(base);
  if (!lora_magnitude_vector.defined()) return folded;
  norm_ = row_norms(base);
  folded.weight = folded.weight * (lora_magnitude_vector.detach() / norm_).unsqueeze(1);
  return folded;
}

FoldedWeights LoraImpl::unfold(const ProjectionImpl& merged) const {
  if (!lora_magnitude_vector.defined()) return AdditiveAdapter::unfold(merged);
  const auto factor = (lora_magnitude_vector.detach() / norm_).unsqueeze(1);
  TORCH_CHECK(factor.ne(0).all().item<bool>(),
              "DoRA: a magnitude is 0, the weight cannot be taken out again");
  return {merged.weight.detach().to(factor.scalar_type()) / factor - weight_delta(), merged.bias};
}

EmbeddingLoraImpl::EmbeddingLoraImpl(const TokenEmbeddingImpl& base, const LoraConfig& config)
    : scale_(lora_scale(config, config.r, config.lora_alpha)) {
  const auto options = base.adapter_options();
  lora_embedding_A =
      register_parameter("lora_embedding_A", torch::zeros({config.r, base.vocab_size()}, options));
  lora_embedding_B =
      register_parameter("lora_embedding_B", torch::randn({base.hidden_size(), config.r}, options));
}

Tensor EmbeddingLoraImpl::rows(const Tensor& ids, const Tensor& base_rows) const {
  const auto low = at::embedding(lora_embedding_A.t(), ids);  // [N, R]
  return base_rows + as_dtype_of(at::linear(low, lora_embedding_B) * scale_, base_rows);
}

Tensor EmbeddingLoraImpl::delta() const {
  return at::matmul(lora_embedding_B, lora_embedding_A).t() * scale_;
}

Tensor EmbeddingLoraImpl::whole(const Tensor& weight) const {
  return weight.to(lora_embedding_A.scalar_type()) + delta();
}

Tensor EmbeddingLoraImpl::unfold(const Tensor& merged) const {
  return merged.to(lora_embedding_A.scalar_type()) - delta();
}

LoRALinearImpl::LoRALinearImpl(const torch::nn::Linear& linear, const LoraConfig& config) {
  linear->weight.requires_grad_(false);
  if (linear->bias.defined()) linear->bias.requires_grad_(false);
  base = register_module("base", Projection(linear->weight, linear->bias));
  lora = Lora(*base, config);
  base->add_adapter("default", lora.ptr());
}

}  // namespace hone
