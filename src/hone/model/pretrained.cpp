#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <ATen/cpu/Utils.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/names.h>
#include <hone/model/config_gguf.h>
#include <hone/model/config_json.h>
#include <hone/model/folded.h>
#include <hone/model/gguf_names.h>
#include <hone/model/packed_weights.h>
#include <hone/model/peft.h>
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

/// Packs one layer's matrix from `stored`; says whether it did.
bool pack_layer(const std::string& path,
                Projection& projection,
                const Tensor& stored,
                Quantization how) {
  if (how != Quantization::kNf4 && how != Quantization::kInt8) return false;
  if (path == "lm_head") return false;
  try {
    projection->pack(how == Quantization::kNf4 ? pack_nf4(stored) : pack_int8(stored));
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
  return true;
}

/// Puts the tensors of `source` in the place of the model's own, which were never touched and so
/// take no memory.
void fill(CausalLM& model,
          const Source& source,
          const LoadOptions& options,
          const std::string& place) {
  std::map<std::string, Projection> projections;
  for (auto& [path, projection] : named_projections(*model))
    projections.emplace(path + ".weight", projection);
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
    const auto layer = projections.find(item.key());
    if (layer != projections.end() && pack_layer(item.key().substr(0, item.key().rfind('.')),
                                                 layer->second, stored, options.quantization))
      continue;
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

/// Leaves the quantised matrices of a GGUF file where they are.
void pack_stored(CausalLM& model,
                 const std::map<std::string, const GgufTensor*>& tensors,
                 const GgufFile& file,
                 at::ScalarType dtype) {
  const auto packed = [&](const std::string& path, std::int64_t rows,
                          std::int64_t columns) -> PackedPointer {
    const auto parameter = path + ".weight";
    const auto found = tensors.find(parameter);
    if (found == tensors.end() || !is_quantized(found->second->type)) return nullptr;
    if (found->second->shape != std::vector<std::int64_t>{columns, rows})
      fail(file.path().string(), ": tensor \"", found->second->name, "\" has shape ",
           shape_text(found->second->shape), ", the model needs ", shape_text({columns, rows}));
    const auto order =
        from_gguf_order(parameter, at::arange(rows, at::kLong).unsqueeze(1), model->config)
            .contiguous();
    const auto* row = order.const_data_ptr<std::int64_t>();
    std::vector<std::int64_t> row_of(row, row + rows);
    if (std::is_sorted(row_of.begin(), row_of.end())) row_of.clear();
    return pack_gguf(*found->second, file.owner(), std::move(row_of));
  };
  for (auto& [path, projection] : named_projections(*model)) {
    if (auto matrix = packed(path, projection->out_features(), projection->in_features()))
      projection->pack(std::move(matrix));
  }
  auto& embedding = *model->model->embed_tokens;
  const auto names = names_of(model->config);
  if (auto matrix = packed(names.decoder + "." + names.embed_tokens, embedding.vocab_size(),
                           embedding.hidden_size()))
    embedding.pack(std::move(matrix), dtype);
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
  if (options.quantization == Quantization::kStored)
    pack_stored(model, by_parameter, file, options.dtype.value_or(at::kFloat));
  const Source source = [&](const std::string& name) {
    const auto found = by_parameter.find(name);
    if (found == by_parameter.end()) return Tensor();
    return from_gguf_order(name, expand_tensor(*found->second, file.owner()), model->config);
  };
  fill(model, source, options, path.string());
  return model;
}

std::vector<PackedPointer> packed_matrices(const CausalLM& model) {
  std::vector<PackedPointer> matrices;
  for (const auto& [path, projection] : named_projections(*model)) {
    if (projection->packed) matrices.push_back(projection->packed);
  }
  if (const auto& embedding = model->model->embed_tokens->packed) matrices.push_back(embedding);
  return matrices;
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

Quantization quantization(const std::string& name) {
  static constexpr std::array kKinds = {
      std::pair{"none", Quantization::kNone}, std::pair{"stored", Quantization::kStored},
      std::pair{"nf4", Quantization::kNf4}, std::pair{"int8", Quantization::kInt8}};
  return choose("quantization", name, kKinds);
}

std::int64_t weight_bytes(const CausalLM& model) {
  std::int64_t bytes = 0;
  for (const auto& item : model->named_parameters()) {
    if (!is_adapter_parameter(item.key()))
      bytes += static_cast<std::int64_t>(item.value().nbytes());
  }
  for (const auto& matrix : packed_matrices(model)) bytes += matrix->bytes();
  return bytes;
}

std::int64_t packed_numbers(const CausalLM& model) {
  std::int64_t numbers = 0;
  for (const auto& matrix : packed_matrices(model)) numbers += matrix->rows() * matrix->columns();
  return numbers;
}

CausalLM load_pretrained(const fs::path& path, const LoadOptions& options) {
  torch::NoGradGuard no_grad;
  if (options.quantization == Quantization::kStored && !is_gguf(path))
    fail(path.string(), ": only a .gguf file holds quantised blocks to be used as stored");
  return is_gguf(path) ? load_gguf(path, options) : load_folder(path, options);
}

MergeReport save_pretrained(const CausalLM& model,
                            const fs::path& folder,
                            std::optional<at::ScalarType> dtype) {
  torch::NoGradGuard no_grad;
  MergeReport report;
  std::map<std::string, Tensor> tensors;
  const FoldedParameters folded(model);
  for (const auto& name : folded.names()) {
    const auto original = folded.original(name);
    const auto exact = folded.at(name);
    tensors[name] = exact.to(dtype.value_or(original.scalar_type()));
    if (folded.is_folded(name)) note_merge(original, exact, tensors[name], report);
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
