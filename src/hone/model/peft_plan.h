// Where an adapter goes: the places that a configuration, or a file of PEFT's, names.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/format/safetensors.h>
#include <hone/model/peft_config.h>

namespace hone {

/// What begins the keys of an adapter file.
inline constexpr std::string_view kPeftPrefix = "base_model.model.";

/// The modules of a model that can take part, by their dotted names.
struct PeftModules {
  explicit PeftModules(const CausalLM& model);

  std::map<std::string, Projection> projections;
  std::map<std::string, std::shared_ptr<TokenEmbeddingImpl>> embeddings;
  std::map<std::string, std::shared_ptr<NormImpl>> norms;
  std::map<std::string, std::shared_ptr<DecoderLayerImpl>> layers;

  /// The module `path` of any of these kinds, or null.
  std::shared_ptr<torch::nn::Module> find(const std::string& path) const;
  /// The names of projections and embeddings.
  std::vector<std::string> targets() const;
  /// The longest of the names that is `key` up to a dot; nothing where there is none.
  std::optional<std::string> owner_of(const std::string& key) const;
};

/// The places of one adapter.
struct AttachPlan {
  std::set<std::string> modules;              ///< get an adapter of their own
  std::map<std::string, std::int64_t> ranks;  ///< of those whose rank a file tells
  std::set<std::string> copies;               ///< parameters that are copied: `model.norm.weight`
};

/// The plan of a configuration. Throws `Error` for a target that names nothing.
AttachPlan plan_of(const CausalLM& model, const PeftConfig& config);

/// The plan that gives the tensors of `file`. Throws `Error` for a key that fits no module.
AttachPlan plan_of_file(const CausalLM& model,
                        const PeftConfig& config,
                        const SafetensorsFile& file);

/// The configuration of one module, after the patterns.
LoraConfig config_of_module(const LoraConfig& config, const std::string& path);

/// Attaches by plan. Throws `Error` where a place cannot take the adapter.
void attach_planned(CausalLM& model,
                    const PeftConfig& config,
                    const AttachPlan& plan,
                    const std::string& name);

/// The key of a copied parameter in a file. `adapted`: its module has an adapter of its own.
std::string key_of_copy(const PeftConfig& config, const std::string& parameter, bool adapted);

}  // namespace hone
