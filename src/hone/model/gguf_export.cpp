#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/format/quantize.h>
#include <hone/lora.h>
#include <hone/model/config_gguf.h>
#include <hone/model/folded.h>
#include <hone/model/gguf_export.h>
#include <hone/model/gguf_names.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// The bytes of the tensors of a file, kept until it is written.
class TensorBytes {
 public:
  std::string_view keep(const Tensor& tensor) {
    const auto& held = tensors_.emplace_back(tensor.contiguous());
    return {static_cast<const char*>(held.const_data_ptr()), held.nbytes()};
  }
  std::string_view keep(std::string bytes) { return texts_.emplace_back(std::move(bytes)); }

 private:
  std::deque<Tensor> tensors_;
  std::deque<std::string> texts_;
};

std::string_view encoded(const Tensor& tensor, GgmlType type, TensorBytes& bytes) {
  switch (type) {
    case GgmlType::F16:
      return bytes.keep(tensor.to(at::kHalf));
    case GgmlType::BF16:
      return bytes.keep(tensor.to(at::kBFloat16));
    default:
      break;
  }
  const auto numbers = tensor.to(at::kFloat).contiguous();
  if (!can_quantize(type)) return bytes.keep(numbers);
  const auto count = static_cast<std::size_t>(numbers.numel());
  return bytes.keep(quantize(type, {numbers.const_data_ptr<float>(), count}));
}

void add_tensor(GgufWriter& writer,
                const std::string& name,
                const Tensor& tensor,
                GgmlType type,
                TensorBytes& bytes) {
  const std::vector<std::int64_t> shape(tensor.sizes().rbegin(), tensor.sizes().rend());
  if (tensor.dim() == 1) type = GgmlType::F32;
  if (shape.front() % block_elements(type) != 0) type = GgmlType::F16;
  writer.add_tensor(name, type, shape, encoded(tensor, type, bytes));
}

/// Rotary divisors that llama.cpp reads from tensors.
void add_rope_tables(GgufWriter& writer, const CausalLMConfig& config, TensorBytes& bytes) {
  const auto& scaling = config.rope_scaling;
  const auto add = [&](const char* name, const Tensor& divisors) {
    add_tensor(writer, name, divisors.to(at::kFloat), GgmlType::F32, bytes);
  };
  if (scaling.rope_type == "llama3") {
    const auto size = rotary_dim(config.head_dim, config.partial_rotary_factor);
    const auto context = config.max_position_embeddings;
    add(kRopeFactors, rotary_frequencies(size, config.rope_theta, {}, context) /
                          rotary_frequencies(size, config.rope_theta, scaling, context));
  } else if (scaling.rope_type == "longrope" && scaling.short_factor == scaling.long_factor) {
    add(kRopeFactors, at::tensor(scaling.short_factor));
  } else if (scaling.rope_type == "longrope") {
    add(kShortRopeFactors, at::tensor(scaling.short_factor));
    add(kLongRopeFactors, at::tensor(scaling.long_factor));
  }
}

/// llama.cpp takes which layers slide and how Gemma scales from the family's name: a model that has
/// it otherwise would be computed wrongly.
void check_expressible(const fs::path& path,
                       const fs::path& written,
                       const CausalLMConfig& config) {
  auto back = config_from_gguf(GgufFile(written));
  const auto same = [](double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); };
  const bool scales = same(back.attention_scale, config.attention_scale) &&
                      same(back.embedding_scale, config.embedding_scale) &&
                      same(back.attn_logit_softcapping, config.attn_logit_softcapping) &&
                      same(back.final_logit_softcapping, config.final_logit_softcapping);
  bool layers = true;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    layers = layers && back.window_of(layer) == config.window_of(layer) &&
             back.rotates(layer) == config.rotates(layer);
  }
  if (!scales || !layers)
    fail(path.string(), ": llama.cpp computes every ", gguf_architecture(config),
         " model with the ", scales ? "same layers that slide or rotate" : "same scales",
         ", and this one differs");
  if (config.rope_scaling.rope_type == "dynamic")
    fail(path.string(), ": llama.cpp has no dynamic rope scaling");
}

/// The active LoRA of a projection, or null. llama.cpp adds s B A and nothing else.
const LoraImpl* active_lora(const std::string& name, const Projection& projection) {
  const auto* adapter = projection->active_adapter();
  if (adapter == nullptr) return nullptr;
  const auto* lora = dynamic_cast<const LoraImpl*>(adapter);
  if (lora == nullptr) fail(name, ": only LoRA adapters can be written to GGUF");
  if (lora->lora_magnitude_vector.defined())
    fail(name, ": llama.cpp has no DoRA; fold the adapter in (hone-export without --adapter-only)");
  if (lora->lora_B_bias.defined() || lora->has_start())
    fail(name, ": llama.cpp's adapters have two matrices and nothing else; fold the adapter in");
  return lora;
}

/// Throws where the adapter is more than updates of projections.
void check_projections_alone(const CausalLM& model) {
  const auto active = model->adapters()->active_name();
  bool elsewhere = model->adapters()->has_copies(active);
  for (const auto& [path, host] : named_hosts(*model)) {
    const bool is_projection = dynamic_cast<const ProjectionImpl*>(host.get()) != nullptr;
    elsewhere = elsewhere || (!is_projection && host->holds_adapter(active));
  }
  if (elsewhere)
    fail(
        "the adapter has modules_to_save, biases or embeddings, which llama.cpp's adapters lack; "
        "fold it in (hone-export without --adapter-only)");
}

void check_architecture(const fs::path& path, const CausalLMConfig& config) {
  if (gguf_architecture(config).empty())
    fail(path.string(), ": llama.cpp has no ", config.model_type, " models");
}

}  // namespace

void save_gguf_adapter(const CausalLM& model, const fs::path& path) {
  const auto& config = model->config;
  check_architecture(path, config);
  check_projections_alone(model);
  torch::NoGradGuard no_grad;
  GgufWriter writer;
  TensorBytes bytes;
  writer.add_string("general.type", "adapter");
  writer.add_string("general.architecture", gguf_architecture(config));
  writer.add_string("adapter.type", "lora");
  double alpha = 0;  // of the first module; the others follow it
  for (const auto& [name, projection] : named_projections(*model)) {
    const auto* lora = active_lora(name, projection);
    if (lora == nullptr) continue;
    const auto rank = static_cast<double>(lora->rank());
    if (alpha == 0)
      writer.add_f32("adapter.lora.alpha", static_cast<float>(alpha = lora->scale() * rank));
    const auto parameter = name + ".weight";
    const auto base = gguf_of_parameter(parameter, config).value();
    // The rows of B are those of the weight, and lie as those do.
    const auto rows = to_gguf_order(parameter, lora->lora_B, config);
    add_tensor(writer, base + ".lora_a", lora->lora_A, GgmlType::F32, bytes);
    add_tensor(writer, base + ".lora_b", rows * (lora->scale() * rank / alpha), GgmlType::F32,
               bytes);
  }
  if (alpha == 0) fail(path.string(), ": the model has no active LoRA adapter to write");
  writer.write(path);
}

void save_gguf(const CausalLM& model,
               const fs::path& path,
               GgmlType type,
               const std::function<void(GgufWriter&)>& add_metadata) {
  constexpr std::array kTypes = {GgmlType::F32, GgmlType::F16, GgmlType::BF16, GgmlType::Q8_0,
                                 GgmlType::Q4_0};
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end())
    fail("hone writes F32, F16, BF16, Q8_0 and Q4_0, not ", ggml_type_name(type));
  const auto& config = model->config;
  check_architecture(path, config);
  torch::NoGradGuard no_grad;
  GgufWriter writer;
  TensorBytes bytes;
  add_config(writer, config);
  if (add_metadata) add_metadata(writer);
  const FoldedParameters folded(model);
  for (const auto& name : folded.names()) {
    add_tensor(writer, gguf_of_parameter(name, config).value(),
               to_gguf_order(name, folded.at(name), config), type, bytes);
  }
  add_rope_tables(writer, config, bytes);
  const fs::path unchecked = path.string() + ".unchecked";
  writer.write(unchecked);
  try {
    check_expressible(path, unchecked, config);
  } catch (...) {
    fs::remove(unchecked);
    throw;
  }
  fs::rename(unchecked, path);
}

}  // namespace hone
