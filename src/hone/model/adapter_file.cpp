#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/format/safetensors.h>
#include <hone/model/adapter_config.h>
#include <hone/model/base_fingerprint.h>
#include <hone/model/peft.h>
#include <hone/model/peft_plan.h>
#include <hone/model/tensor_files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigHash = "hone.config";
constexpr const char* kBaseSigns = "hone.base";
constexpr const char* kEncoderFile = "encoder.safetensors";
constexpr const char* kVirtualTokens = "prompt_embeddings";
constexpr const char* kEmbeddingBelow = ".base_layer.weight";

/// A LoRA that started from W's own directions, s (B A - B0 A0), as one of twice the rank.
std::pair<Tensor, Tensor> plain_halves(const LoraImpl& lora) {
  if (!lora.has_start()) return {lora.lora_A, lora.lora_B};
  return {at::cat({lora.lora_A, lora.start_A}), at::cat({lora.lora_B, -lora.start_B}, 1)};
}

/// The configuration as it is on disk, where such a LoRA has twice the rank at the same scale.
PeftConfig stored_config(const PeftConfig& config) {
  const auto* lora = std::get_if<LoraConfig>(&config);
  if (lora == nullptr) return config;
  auto stored = *lora;
  if (lora->init_lora_weights == "pissa" || lora->init_lora_weights == "olora") {
    const double growth = lora->use_rslora ? std::sqrt(2.0) : 2.0;
    stored.r *= 2;
    stored.lora_alpha *= growth;
    for (auto& [name, rank] : stored.rank_pattern) rank *= 2;
    for (auto& [name, alpha] : stored.alpha_pattern) alpha *= growth;
  }
  stored.init_lora_weights = "true";
  return stored;
}

void add_projection(const std::string& path,
                    const ProjectionAdapter& adapter,
                    std::map<std::string, Tensor>& tensors) {
  for (const auto& item : adapter.named_parameters())
    tensors[concat(kPeftPrefix, path, ".", item.key())] = item.value();
  const auto* lora = dynamic_cast<const LoraImpl*>(&adapter);
  if (lora == nullptr || !lora->has_start()) return;
  const auto [a, b] = plain_halves(*lora);
  tensors[concat(kPeftPrefix, path, ".lora_A.weight")] = a;
  tensors[concat(kPeftPrefix, path, ".lora_B.weight")] = b;
}

void add_embedding(const std::string& path,
                   const EmbeddingAdapter& adapter,
                   std::map<std::string, Tensor>& tensors) {
  const bool is_rows = dynamic_cast<const TrainableTokensImpl*>(&adapter) != nullptr;
  for (const auto& item : adapter.named_parameters()) {
    const auto key = is_rows ? "token_adapter." + item.key() : item.key();
    tensors[concat(kPeftPrefix, path, ".", key)] = item.value();
  }
}

void add_bottlenecks(const std::string& path,
                     const DecoderLayerImpl& layer,
                     const std::string& name,
                     std::map<std::string, Tensor>& tensors) {
  const auto add = [&](const char* place, const std::shared_ptr<BottleneckImpl>& adapter) {
    if (!adapter) return;
    for (const auto& item : adapter->named_parameters())
      tensors[concat(kPeftPrefix, path, ".", place, ".", item.key())] = item.value();
  };
  add("attention_adapter", layer.after_attention_slot.find(name));
  add("mlp_adapter", layer.after_mlp_slot.find(name));
}

/// The virtual tokens of `name`, or null: whichever of the two kinds it is.
torch::nn::Module* virtual_tokens(const CausalLM& model, const std::string& name) {
  if (const auto prompt = model->model->prompt_slot.find(name)) return prompt.get();
  return model->model->prefix_slot.find(name).get();
}

Tensor virtual_embeddings(torch::nn::Module& tokens) {
  if (auto* prompt = dynamic_cast<SoftPromptImpl*>(&tokens)) return prompt->embeddings();
  return dynamic_cast<PrefixKVImpl&>(tokens).embeddings();
}

/// The parameters of an encoder of virtual tokens; none where they are trained themselves.
std::map<std::string, Tensor> encoder_tensors(const CausalLM& model, const std::string& name) {
  std::map<std::string, Tensor> tensors;
  auto* tokens = virtual_tokens(model, name);
  if (tokens == nullptr) return tensors;
  for (const auto& item : tokens->named_parameters()) tensors[item.key()] = item.value();
  if (tensors.contains(kVirtualTokens)) tensors.clear();
  return tensors;
}

/// Fills `tensors` from `file`. Throws for a key that either side lacks, and for a shape.
void copy_tensors(const SafetensorsFile& file, const std::map<std::string, Tensor>& tensors) {
  torch::NoGradGuard no_grad;
  const auto place = file.path().string();
  for (const auto& [key, tensor] : tensors) {
    const auto* found = file.find(key);
    if (found == nullptr) fail(place, ": \"", key, "\" is missing");
    const auto wanted = tensor.sizes().vec();
    if (std::vector<std::int64_t>(found->shape.begin(), found->shape.end()) != wanted)
      fail(place, ": \"", key, "\" has shape ", shape_text(found->shape), ", must be ",
           shape_text({wanted.begin(), wanted.end()}), " on this model");
  }
  for (const auto& view : file.tensors()) {
    if (view.name.ends_with(kEmbeddingBelow)) continue;
    const auto found = tensors.find(view.name);
    if (found == tensors.end())
      fail(place, ": \"", view.name, "\" belongs to no part of the adapter");
    auto target = found->second;
    target.copy_(map_tensor(view, file.owner()));
  }
}

void check_base(const CausalLM& model, const SafetensorsFile& file, const fs::path& folder) {
  constexpr double kSame = 0.85;  // four-bit numbers keep more than nine of ten signs
  const auto recorded = file.metadata().find(kBaseSigns);
  if (recorded == file.metadata().end()) return;
  if (fingerprint_agreement(recorded->second, base_fingerprint(model)) >= kSame) return;
  const auto config = read_json(folder / "adapter_config.json");
  fail(folder.string(), ": was trained on other weights than this model has; its base is \"",
       config.value("base_model_name_or_path", "unknown"), "\"");
}

/// Virtual tokens are in the file as they come out; they go on being trained through their encoder
/// where that is kept beside them.
void load_virtual(CausalLM& model,
                  const PeftConfig& config,
                  const SafetensorsFile& file,
                  const fs::path& folder,
                  const std::string& name) {
  const auto& stored = file.at(kVirtualTokens);
  const auto embeddings = map_tensor(stored, file.owner());
  auto* tokens = virtual_tokens(model, name);
  const auto expected = virtual_embeddings(*tokens);
  if (embeddings.sizes() != expected.sizes())
    fail(file.path().string(), ": \"", stored.name, "\" has shape ", shape_text(stored.shape),
         ", must be ", expected.sizes(), " on this model");
  const auto encoder = encoder_tensors(model, name);
  if (encoder.empty()) return copy_tensors(file, {{kVirtualTokens, expected}});
  if (fs::exists(folder / kEncoderFile)) {
    copy_tensors(SafetensorsFile(folder / kEncoderFile), encoder);
    torch::NoGradGuard no_grad;
    if (at::allclose(virtual_embeddings(*tokens), embeddings.to(expected.scalar_type()), 1e-4,
                     1e-5))
      return;
    fail((folder / kEncoderFile).string(), ": gives other virtual tokens than ",
         file.path().filename().string(), " holds");
  }
  detach(model, name);
  auto& decoder = *model->model;
  if (std::holds_alternative<PromptEncoderConfig>(config)) {
    decoder.prompt_slot.add(decoder, name, SoftPrompt(embeddings).ptr());
  } else {
    auto direct = std::get<PrefixTuningConfig>(config);
    direct.prefix_projection = false;
    attach_planned(model, direct, {}, name);
    copy_tensors(file, {{kVirtualTokens, virtual_embeddings(*virtual_tokens(model, name))}});
  }
}

/// PEFT keeps the whole matrix below an adapted embedding, for vocabularies that were resized. It
/// must be the one that this model has.
void check_embeddings(const CausalLM& model, const SafetensorsFile& file) {
  for (const auto& [path, embedding] : PeftModules(model).embeddings) {
    const auto* stored = file.find(concat(kPeftPrefix, path, kEmbeddingBelow));
    if (stored == nullptr) continue;
    const auto matrix = map_tensor(*stored, file.owner());
    const auto own = embedding->dense_weight();
    // A quantised base differs a little from the matrix that it was made of.
    const auto wide = matrix.to(at::kFloat);
    const bool same =
        matrix.sizes() == own.sizes() &&
        (wide - own.to(at::kFloat)).norm().item<double>() < 0.25 * wide.norm().item<double>();
    if (!same)
      fail(file.path().string(), ": \"", stored->name, "\" ", shape_text(stored->shape),
           " is another embedding than the model's ", own.sizes(),
           "; resize the model's vocabulary and save it with this matrix first");
  }
}

void fill_adapter(CausalLM& model,
                  const PeftConfig& config,
                  const SafetensorsFile& file,
                  const fs::path& folder,
                  const std::string& name) {
  if (virtual_tokens(model, name) != nullptr)
    return load_virtual(model, config, file, folder, name);
  check_embeddings(model, file);
  auto tensors = adapter_tensors(model, config, name);
  const auto* vera = std::get_if<VeraConfig>(&config);
  const bool has_projection = file.find("base_model.vera_A") != nullptr;
  if (vera != nullptr && !has_projection) {
    tensors.erase("base_model.vera_A");
    tensors.erase("base_model.vera_B");
  }
  copy_tensors(file, tensors);
}

}  // namespace

std::map<std::string, Tensor> adapter_tensors(const CausalLM& model,
                                              const PeftConfig& config,
                                              const std::string& name) {
  std::map<std::string, Tensor> tensors;
  if (auto* tokens = virtual_tokens(model, name)) {
    tensors[kVirtualTokens] = virtual_embeddings(*tokens).detach();
    return tensors;
  }
  const PeftModules modules(model);
  for (const auto& [path, projection] : modules.projections) {
    const auto adapter = projection->find_adapter(name);
    if (adapter) add_projection(path, *adapter, tensors);
    if (const auto* vera = dynamic_cast<const VeraImpl*>(adapter.get())) {
      tensors["base_model.vera_A"] = vera->projection()->a;
      tensors["base_model.vera_B"] = vera->projection()->b;
    }
  }
  for (const auto& [path, embedding] : modules.embeddings) {
    if (const auto adapter = embedding->find_adapter(name)) add_embedding(path, *adapter, tensors);
  }
  for (const auto& [path, layer] : modules.layers) add_bottlenecks(path, *layer, name, tensors);
  for (const auto& item : model->named_parameters()) {
    if (is_adapter_parameter(item.key())) continue;
    const auto dot = item.key().rfind('.');
    const auto path = item.key().substr(0, dot);
    const auto module = modules.find(path);
    const auto copy =
        module ? find_parameter_copy(*module, item.key().substr(dot + 1), name) : Tensor();
    if (!copy.defined()) continue;
    const auto projection = modules.projections.find(path);
    const bool adapted =
        projection != modules.projections.end() && projection->second->holds_adapter(name);
    tensors[key_of_copy(config, item.key(), adapted)] = copy;
  }
  return tensors;
}

void save_adapter(const CausalLM& model,
                  const PeftConfig& config,
                  const fs::path& folder,
                  const std::string& base_model,
                  const std::string& name) {
  torch::NoGradGuard no_grad;
  auto tensors = adapter_tensors(model, config, name);
  TORCH_CHECK(!tensors.empty(), "the model has no adapter '", name, "'");
  const auto* vera = std::get_if<VeraConfig>(&config);
  if (vera != nullptr && !vera->save_projection) {
    tensors.erase("base_model.vera_A");
    tensors.erase("base_model.vera_B");
  }
  for (auto& [key, tensor] : tensors) tensor = tensor.detach().contiguous();
  const auto stored = stored_config(config);
  AtomicFolder target(folder);
  write_json(target.temporary() / "adapter_config.json",
             peft_config_to_json(stored, model->config, base_model));
  write_tensors(target.temporary() / "adapter_model.safetensors", tensors,
                {{"format", "pt"},
                 {kConfigHash, hash_of(stored, model->config)},
                 {kBaseSigns, base_fingerprint(model)}},
                Checksum::kAdd);
  const auto encoder = encoder_tensors(model, name);
  if (!encoder.empty())
    write_tensors(target.temporary() / kEncoderFile, encoder, {{"format", "pt"}}, Checksum::kAdd);
  target.commit();
}

PeftConfig load_adapter(CausalLM& model, const fs::path& folder, const std::string& name) {
  const auto config_path = folder / "adapter_config.json";
  if (!fs::is_directory(folder)) fail(folder.string(), ": no such adapter folder");
  const auto config = peft_config_from_json(read_json(config_path), config_path.string());
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  const auto hash = file.metadata().find(kConfigHash);
  if (hash != file.metadata().end() && hash->second != hash_of(config, model->config)) {
    fail(config_path.string(), ": differs from what the adapter was saved with; restore it");
  }
  const auto plan = plan_of_file(model, config, file);
  check_base(model, file, folder);
  const auto active = model->adapters()->active_name();
  attach_planned(model, config, plan, name);
  try {
    fill_adapter(model, config, file, folder, name);
  } catch (...) {
    detach(model, name);
    model->adapters()->set_active(active);
    throw;
  }
  return config;
}

}  // namespace hone
