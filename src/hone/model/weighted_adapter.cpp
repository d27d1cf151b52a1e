#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/model/peft.h>
#include <hone/model/weighted_adapter.h>

namespace hone {
namespace {

constexpr std::string_view kSvd = "svd";

bool is_svd(const CombineOptions& options) {
  return options.combination_type.ends_with(kSvd);
}

/// The kind without `_svd`; plain `svd` sums.
std::string kind_of(const CombineOptions& options) {
  const auto& type = options.combination_type;
  if (type == kSvd) return "linear";
  return type.ends_with("_svd") ? type.substr(0, type.size() - 4) : type;
}

Tensor largest_kept(const Tensor& tensor, double density) {
  const auto flat = tensor.reshape({-1});
  const auto count = static_cast<std::int64_t>(density * static_cast<double>(flat.numel()));
  const auto kept = std::get<1>(at::topk(flat.abs(), count));
  return at::zeros_like(flat).index_copy(0, kept, flat.index_select(0, kept)).view(tensor.sizes());
}

Tensor randomly_kept(const Tensor& tensor, double density) {
  return tensor * at::bernoulli(at::full_like(tensor, density)) / density;
}

Tensor pruned(const Tensor& tensor, const std::string& kind, double density) {
  if (kind == "linear" || density >= 1) return tensor;
  return kind.starts_with("dare") ? randomly_kept(tensor, density) : largest_kept(tensor, density);
}

/// For each place the mean of the numbers that have the majority's sign.
Tensor elect(const Tensor& stacked, const Tensor& weighted, const std::string& method) {
  const auto vote = method == "frequency" ? stacked.sign().sum(0) : stacked.sum(0);
  const auto majority = at::where(vote.ge(0), at::ones_like(vote), at::full_like(vote, -1));
  const auto agrees = stacked.sign().eq(majority).to(weighted.scalar_type());
  return (weighted * agrees).sum(0) / agrees.sum(0).clamp_min(1);
}

struct Part {
  const LoraImpl* lora;
  double weight;  ///< times the adapter's scale
};

std::pair<Tensor, Tensor> combine_halves(const std::vector<Part>& parts,
                                         const CombineOptions& options) {
  std::vector<Tensor> a, b;
  std::vector<double> weights_a, weights_b;
  for (const auto& [lora, weight] : parts) {
    a.push_back(lora->lora_A);
    b.push_back(lora->lora_B);
    const double root = std::sqrt(std::abs(weight));
    weights_a.push_back(weight >= 0 ? root : -root);
    weights_b.push_back(root);
    if (lora->rank() != parts.front().lora->rank())
      fail("combination_type ", options.combination_type, ": the adapters differ in rank (",
           parts.front().lora->rank(), " and ", lora->rank(), "); cat and svd take any");
  }
  return {combine(a, weights_a, options), combine(b, weights_b, options)};
}

std::pair<Tensor, Tensor> lay_side_by_side(const std::vector<Part>& parts) {
  std::vector<Tensor> a, b;
  for (const auto& [lora, weight] : parts) {
    a.push_back(lora->lora_A * weight);
    b.push_back(lora->lora_B);
  }
  return {at::cat(a), at::cat(b, 1)};
}

std::pair<Tensor, Tensor> decompose(const std::vector<Part>& parts, const CombineOptions& options) {
  std::vector<Tensor> updates;
  std::vector<double> weights;
  std::int64_t rank = options.svd_rank;
  for (const auto& [lora, weight] : parts) {
    updates.push_back(lora->weight_delta());
    weights.push_back(weight / lora->scale());
    if (options.svd_rank == 0) rank = std::max(rank, lora->rank());
  }
  const auto [u, s, vh] =
      at::linalg_svd(combine(updates, weights, options), /*full_matrices=*/false);
  rank = std::min(rank, s.size(0));
  return {vh.narrow(0, 0, rank), u.narrow(1, 0, rank) * s.narrow(0, 0, rank)};
}

std::pair<Tensor, Tensor> combined(const std::vector<Part>& parts, const CombineOptions& options) {
  // One adapter alone is only weighted.
  const auto single = CombineOptions{};
  if (parts.size() == 1) return combine_halves(parts, single);
  if (options.combination_type == "cat") return lay_side_by_side(parts);
  return is_svd(options) ? decompose(parts, options) : combine_halves(parts, options);
}

/// The LoRA of `name` on a projection, or null. Another kind is refused.
const LoraImpl* plain_lora(const std::string& path,
                           const Projection& projection,
                           const std::string& name) {
  const auto adapter = projection->find_adapter(name);
  if (!adapter) return nullptr;
  const auto* lora = dynamic_cast<const LoraImpl*>(adapter.get());
  if (lora == nullptr || lora->lora_magnitude_vector.defined() || lora->lora_B_bias.defined() ||
      lora->has_start())
    fail("adapter \"", name, "\" on ", path, " is no plain LoRA, only those are combined");
  return lora;
}

}  // namespace

void validate(const CombineOptions& options) {
  const auto kind = kind_of(options);
  const bool known = kind == "linear" || kind == "ties" || kind == "dare_linear" ||
                     kind == "dare_ties" || kind == "magnitude_prune" ||
                     options.combination_type == "cat";
  if (!known || options.combination_type == "linear_svd")
    fail("combination_type \"", options.combination_type,
         "\" is not one of linear, cat, svd, ties, dare_linear, dare_ties, magnitude_prune and the "
         "last four with _svd");
  if (!(options.density > 0 && options.density <= 1)) fail("density must be in (0, 1]");
  if (options.majority_sign_method != "total" && options.majority_sign_method != "frequency")
    fail("majority_sign_method must be total or frequency");
  if (options.svd_rank < 0) fail("svd_rank must not be negative");
}

Tensor combine(const std::vector<Tensor>& tensors,
               const std::vector<double>& weights,
               const CombineOptions& options) {
  const auto kind = kind_of(options);
  std::vector<Tensor> kept;
  for (const auto& tensor : tensors) kept.push_back(pruned(tensor, kind, options.density));
  const auto stacked = at::stack(kept);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(stacked.dim()), 1);
  shape[0] = -1;
  const auto weighted = stacked * at::tensor(weights, stacked.options()).view(shape);
  return kind.ends_with("ties") ? elect(stacked, weighted, options.majority_sign_method)
                                : weighted.sum(0);
}

LoraConfig add_weighted_adapter(CausalLM& model,
                                const std::vector<std::string>& adapters,
                                const std::vector<double>& weights,
                                const std::string& name,
                                const CombineOptions& options) {
  torch::NoGradGuard no_grad;
  validate(options);
  if (adapters.empty() || adapters.size() != weights.size())
    fail("give one weight for each adapter: ", adapters.size(), " adapters, ", weights.size(),
         " weights");
  for (const auto& adapter : adapters) {
    if (!has_adapter(model, adapter)) fail("the model has no adapter \"", adapter, "\"");
  }
  if (has_adapter(model, name)) fail("adapter \"", name, "\" is attached already");
  LoraConfig config{.r = 1, .lora_alpha = 1, .target_modules = {}};
  std::map<std::string, std::pair<Tensor, Tensor>> halves;
  for (const auto& [path, projection] : named_projections(*model)) {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < adapters.size(); ++i) {
      if (const auto* lora = plain_lora(path, projection, adapters[i]))
        parts.push_back({lora, weights[i] * lora->scale()});
    }
    if (parts.empty()) continue;
    halves.emplace(path, combined(parts, options));
    config.target_modules.push_back(path);
    config.r = std::max(config.r, halves.at(path).first.size(0));
  }
  for (auto& [path, projection] : named_projections(*model)) {
    const auto found = halves.find(path);
    if (found == halves.end()) continue;
    const auto& [a, b] = found->second;
    const auto rank = a.size(0);
    if (rank != config.r) {
      config.rank_pattern[path] = rank;
      config.alpha_pattern[path] = static_cast<double>(rank);
    }
    Lora lora(*projection, LoraConfig{.r = rank, .lora_alpha = static_cast<double>(rank)});
    lora->lora_A.copy_(a);
    lora->lora_B.copy_(b);
    projection->add_adapter(name, lora.ptr());
  }
  config.lora_alpha = static_cast<double>(config.r);
  return config;
}

}  // namespace hone
