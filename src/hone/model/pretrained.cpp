#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <ATen/cpu/Utils.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/model/config_gguf.h>
#include <hone/model/config_json.h>
#include <hone/model/folded.h>
#include <hone/model/gguf_names.h>
#include <hone/model/pretrained.h>
#include <hone/model/tensor_files.h>
#include <hone/model/weight_files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// Gives the stored tensor of a parameter, or an undefined one.
using Source = std::function<Tensor(const std::string& parameter)>;

bool is_gguf(const fs::path& path) {
  return path.extension() == ".gguf";
}

/// Files may store matrices in fewer bits than vectors; a model computes in one dtype.
void unify_dtypes(CausalLM& model) {
  const auto parameters = model->parameters();
  const auto first = parameters.front().scalar_type();
  const bool is_mixed = std::any_of(parameters.begin(), parameters.end(),
                                    [&](const Tensor& one) { return one.scalar_type() != first; });
  if (!is_mixed) return;
  for (auto parameter : parameters) parameter.set_data(parameter.to(at::kFloat));
}

/// Puts the tensors of `source` in the place of the model's own, which were never touched and so
/// take no memory.
void fill(CausalLM& model,
          const Source& source,
          const LoadOptions& options,
          const std::string& place) {
  for (auto& item : model->named_parameters()) {
    auto stored = source(item.key());
    if (!stored.defined()) fail(place, ": tensor \"", item.key(), "\" is missing");
    auto& parameter = item.value();
    if (stored.sizes() != parameter.sizes()) {
      fail(place, ": tensor \"", item.key(), "\" has shape ", stored.sizes(), ", the model needs ",
           parameter.sizes());
    }
    if (!stored.is_floating_point())
      fail(place, ": tensor \"", item.key(), "\" does not hold floating-point numbers");
    parameter.set_data(options.dtype ? stored.to(*options.dtype) : stored);
    parameter.set_requires_grad(false);
  }
  unify_dtypes(model);
}

/// Tensors that files carry although nothing is computed from them: tables that are computed, the
/// masks of old GPT-2 files, a second copy of a tied head.
bool is_ignored(const std::string& name, const CausalLMConfig& config) {
  const bool is_mask = config.model_type == "gpt2" &&
                       (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
  return is_mask || name.ends_with("rotary_emb.inv_freq") ||
         (config.tie_word_embeddings && name == "lm_head.weight");
}

/// GPT-2 stores the matrices of its layers as [in, out].
bool is_stored_transposed(const std::string& name, const CausalLMConfig& config) {
  return config.model_type == "gpt2" && name.ends_with(".weight") &&
         (name.find(".attn.c_") != std::string::npos || name.find(".mlp.c_") != std::string::npos);
}

/// Files of a bare decoder lack the first part of its parameters' names.
std::string prefix_of(const WeightFiles& files, const CausalLMConfig& config) {
  const auto names = names_of(config);
  const auto embedding = names.embed_tokens + ".weight";
  const bool is_bare =
      !files.contains(names.decoder + "." + embedding) && files.contains(embedding);
  return is_bare ? names.decoder + "." : "";
}

void refuse_extra(const CausalLM& model, const std::string& name, const std::string& place) {
  if (model->named_parameters().contains(name) || is_ignored(name, model->config)) return;
  fail(place, ": tensor \"", name, "\" is not part of a ", model->config.model_type,
       " model with this configuration");
}

CausalLM load_folder(const fs::path& folder, const LoadOptions& options) {
  CausalLM model(load_config(folder));
  const auto& config = model->config;
  const WeightFiles files(folder);
  const auto prefix = prefix_of(files, config);
  for (const auto& [name, tensor] : files.tensors())
    refuse_extra(model, prefix + name, folder.string());
  const Source source = [&](const std::string& name) {
    const auto stored = files.find(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
    const bool turns = stored.defined() && stored.dim() == 2 && is_stored_transposed(name, config);
    return turns ? stored.t() : stored;
  };
  fill(model, source, options, folder.string());
  return model;
}

bool is_rope_table(std::string_view name) {
  return name == kRopeFactors || name == kShortRopeFactors || name == kLongRopeFactors;
}

CausalLM load_gguf(const fs::path& path, const LoadOptions& options) {
  const GgufFile file(path);
  CausalLM model(config_from_gguf(file));
  std::map<std::string, const GgufTensor*> by_parameter;
  for (const auto& tensor : file.tensors()) {
    if (is_rope_table(tensor.name)) continue;
    const auto name = parameter_of_gguf(tensor.name, model->config);
    if (!name)
      fail(path.string(), ": tensor \"", tensor.name, "\" is not part of a ",
           model->config.model_type, " model");
    refuse_extra(model, *name, path.string());
    by_parameter[*name] = &tensor;
  }
  const Source source = [&](const std::string& name) {
    const auto found = by_parameter.find(name);
    if (found == by_parameter.end()) return Tensor();
    return from_gguf_order(name, expand_tensor(*found->second, file.owner()), model->config);
  };
  fill(model, source, options, path.string());
  return model;
}

Json generation_config(const CausalLMConfig& config) {
  Json json = Json::object();
  const auto all = config_to_json(config, at::kFloat);
  for (const char* name : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (all.contains(name)) json[name] = all[name];
  }
  return json;
}

/// Counts one folded parameter: what the update was, and what rounding swallowed.
void note_merge(const Tensor& before,
                const Tensor& exact,
                const Tensor& merged,
                MergeReport& report) {
  const auto size = (exact - before.to(exact.scalar_type())).abs();
  const auto lost = size.masked_fill(merged.ne(before.to(merged.scalar_type())), 0);
  report.merged_matrices += 1;
  report.largest_update = std::max(report.largest_update, size.max().item<double>());
  report.largest_lost_update = std::max(report.largest_lost_update, lost.max().item<double>());
}

}  // namespace

CausalLMConfig load_config(const fs::path& path) {
  if (is_gguf(path)) return config_from_gguf(GgufFile(path));
  if (!fs::is_directory(path)) fail(path.string(), ": no such model folder or .gguf file");
  const auto config = path / "config.json";
  return config_from_json(read_json(config), config.string());
}

CausalLM load_pretrained(const fs::path& path, const LoadOptions& options) {
  torch::NoGradGuard no_grad;
  return is_gguf(path) ? load_gguf(path, options) : load_folder(path, options);
}

MergeReport save_pretrained(const CausalLM& model,
                            const fs::path& folder,
                            std::optional<at::ScalarType> dtype) {
  torch::NoGradGuard no_grad;
  MergeReport report;
  std::map<std::string, Tensor> tensors;
  const FoldedParameters folded(model);
  for (const auto& [name, parameter] : folded.base()) {
    const auto stored = dtype.value_or(parameter.scalar_type());
    tensors[name] = folded.at(name).to(stored);
    if (folded.is_folded(name)) note_merge(parameter, folded.at(name), tensors[name], report);
  }
  for (auto& [name, tensor] : tensors) {
    if (is_stored_transposed(name, model->config)) tensor = tensor.t().contiguous();
  }
  const auto stored_dtype = tensors.begin()->second.scalar_type();
  AtomicFolder target(folder);
  write_json(target.temporary() / "config.json", config_to_json(model->config, stored_dtype));
  write_json(target.temporary() / "generation_config.json", generation_config(model->config));
  write_tensors(target.temporary() / "model.safetensors", tensors, {{"format", "pt"}},
                Checksum::kNone);
  target.commit();
  return report;
}

at::ScalarType preferred_dtype() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"amx_bf16", "avx512_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool())
      return at::kBFloat16;
  }
  return at::kFloat;
}

}  // namespace hone
