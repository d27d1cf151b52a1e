#include <cmath>
#include <regex>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <hone/parametrize.h>
#include <hone/trainable.h>

namespace hone {
namespace {

/// The weight member of a layer that can be adapted, or null.
template <typename... Layers>
Tensor* weight_member(torch::nn::Module& module) {
  Tensor* found = nullptr;
  const auto look = [&](auto* layer) {
    if (layer != nullptr) found = &layer->weight;
  };
  (look(dynamic_cast<Layers*>(&module)), ...);
  return found;
}

Tensor* weight_of(torch::nn::Module& module) {
  using namespace torch::nn;
  return weight_member<LinearImpl, Conv1dImpl, Conv2dImpl, Conv3dImpl>(module);
}

bool means(const std::string& pattern, const std::string& name) {
  if (name == pattern || name.ends_with("." + pattern)) return true;
  try {
    return std::regex_match(name, std::regex(pattern));
  } catch (const std::regex_error&) {
    throw std::invalid_argument("parametrize: \"" + pattern + "\" is no regular expression");
  }
}

/// The layers that any pattern means.
std::vector<std::pair<std::string, Tensor*>> layers_of(const torch::nn::Module& module,
                                                       const std::vector<std::string>& patterns) {
  std::vector<std::pair<std::string, Tensor*>> layers;
  std::vector<bool> used(patterns.size(), false);
  for (const auto& item : module.named_modules("", /*include_self=*/false)) {
    auto* weight = weight_of(*item.value());
    if (weight == nullptr) continue;
    bool wanted = false;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (!means(patterns[i], item.key())) continue;
      wanted = used[i] = true;
    }
    if (wanted) layers.emplace_back(item.key(), weight);
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!used[i])
      throw std::invalid_argument("parametrize: \"" + patterns[i] +
                                  "\" means no linear or convolutional layer");
  }
  return layers;
}

/// A registered name has no dots.
std::string node_name(std::string name) {
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
}

}  // namespace

ParametrizationImpl::ParametrizationImpl(torch::nn::Module& module,
                                         const std::vector<std::string>& patterns,
                                         const LoraConfig& config) {
  validate(config);
  const auto layers = layers_of(module, patterns);
  for (auto& parameter : module.parameters()) parameter.requires_grad_(false);
  for (const auto& [name, place] : layers) {
    const auto out = place->size(0), in = place->numel() / out;
    const auto options = trainable_options(*place);
    auto node = register_module(node_name(name), std::make_shared<torch::nn::Module>());
    auto a = torch::empty({config.r, in}, options);
    torch::nn::init::kaiming_uniform_(a, std::sqrt(5.0));
    names_.push_back(name);
    sites_.push_back({place, *place, node->register_parameter("lora_A", a),
                      node->register_parameter("lora_B", torch::zeros({out, config.r}, options)),
                      lora_scale(config, config.r, config.lora_alpha)});
  }
}

Tensor ParametrizationImpl::Site::adapted() const {
  const auto delta = at::matmul(lora_B, lora_A).view(weight.sizes());
  return (weight + delta * scale).to(weight.scalar_type());
}

ParametrizationImpl::Scope::Scope(ParametrizationImpl& owner) : owner_(owner) {
  for (auto& site : owner_.sites_) *site.place = site.adapted();
}

ParametrizationImpl::Scope::~Scope() {
  for (auto& site : owner_.sites_) *site.place = site.weight;
}

void ParametrizationImpl::merge() {
  torch::NoGradGuard no_grad;
  for (auto& site : sites_) {
    site.weight.copy_(site.adapted());
    site.lora_B.zero_();
  }
}

Parametrization parametrize(torch::nn::Module& module,
                            const std::vector<std::string>& patterns,
                            const LoraConfig& config) {
  return Parametrization(module, patterns, config);
}

}  // namespace hone
