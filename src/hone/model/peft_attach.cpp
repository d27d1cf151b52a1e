#include <algorithm>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/model/name_patterns.h>
#include <hone/model/peft.h>
#include <hone/model/peft_plan.h>
#include <hone/trainable.h>

namespace hone {
namespace {

/// The value of the last pattern that means `path`, or `otherwise`. As in PEFT, an expression may
/// leave out the first parts of the name.
template <typename T>
T pattern_value(const std::map<std::string, T>& patterns, const std::string& path, T otherwise) {
  for (const auto& [pattern, value] : patterns) {
    const auto whole =
        is_expression(pattern) ? concat("(.*\\.)?(", pattern, ")") : std::string(pattern);
    if (NamePatterns("rank_pattern", {whole}).match(path)) otherwise = value;
  }
  return otherwise;
}

template <typename Config>
Config config_of_product(Config config, const std::string& path) {
  config.r = pattern_value(config.rank_pattern, path, config.r);
  config.alpha = pattern_value(config.alpha_pattern, path, config.alpha);
  return config;
}

std::int64_t rank_of(const AttachPlan& plan, const std::string& path, std::int64_t otherwise) {
  const auto found = plan.ranks.find(path);
  return found == plan.ranks.end() ? otherwise : found->second;
}

/// Attaches one adapter by plan.
struct Attachment {
  CausalLM& model;
  const AttachPlan& plan;
  const std::string& name;
  const PeftModules modules;

  /// Adds `make(path, projection)` to every projection of the plan.
  template <typename Make>
  void to_projections(const Make& make) const {
    for (const auto& path : plan.modules) {
      auto projection = modules.projections.at(path);
      projection->add_adapter(name, make(path, *projection));
    }
  }

  void operator()(const LoraConfig& config) const {
    for (const auto& path : plan.modules) {
      auto own = config_of_module(config, path);
      own.r = rank_of(plan, path, own.r);
      const auto embedding = modules.embeddings.find(path);
      if (embedding != modules.embeddings.end()) {
        embedding->second->add_adapter(name, EmbeddingLora(*embedding->second, own).ptr());
      } else {
        auto projection = modules.projections.at(path);
        projection->add_adapter(name, Lora(*projection, own).ptr());
      }
    }
    if (!config.trainable_token_indices.empty()) {
      auto& embedding = model->model->embed_tokens;
      embedding->add_adapter(name,
                             TrainableTokens(*embedding, config.trainable_token_indices).ptr());
    }
  }

  void operator()(const AdaLoraConfig& config) const {
    to_projections([&](const std::string& path, const ProjectionImpl& base) {
      auto own = config;
      own.init_r = rank_of(plan, path, own.init_r);
      return AdaLora(base, own).ptr();
    });
  }

  void operator()(const VeraConfig& config) const {
    std::int64_t in = 0, out = 0;
    for (const auto& path : plan.modules) {
      in = std::max(in, modules.projections.at(path)->in_features());
      out = std::max(out, modules.projections.at(path)->out_features());
    }
    const auto shared =
        VeraProjection::draw(config, in, out, model->model->embed_tokens->adapter_options());
    to_projections([&](const std::string&, const ProjectionImpl& base) {
      return Vera(base, config, shared).ptr();
    });
  }

  template <typename Config, typename Module>
  void products(const Config& config) const {
    to_projections([&](const std::string& path, const ProjectionImpl& base) {
      auto own = config_of_product(config, path);
      own.r = rank_of(plan, path, own.r);
      return std::make_shared<Module>(base, own);
    });
  }
  void operator()(const LoHaConfig& config) const { products<LoHaConfig, LoHaImpl>(config); }
  void operator()(const LoKrConfig& config) const { products<LoKrConfig, LoKrImpl>(config); }

  void operator()(const OftConfig& config) const {
    to_projections([&](const std::string& path, const ProjectionImpl& base) {
      if (base.in_features() % config.oft_block_size != 0)
        fail("oft_block_size: ", config.oft_block_size, " does not divide the width of ", path,
             ", which is ", base.in_features());
      return Oft(base, config).ptr();
    });
  }

  void operator()(const Ia3Config& config) const {
    const NamePatterns feedforward("feedforward_modules", config.feedforward_modules);
    to_projections([&](const std::string& path, const ProjectionImpl& base) {
      return Ia3(base, feedforward.match(path)).ptr();
    });
  }

  void operator()(const LnTuningConfig&) const {}
  void operator()(const SelectiveConfig&) const {}

  void operator()(const BottleneckConfig& config) const {
    const auto options = model->model->embed_tokens->adapter_options();
    const auto make = [&] { return Bottleneck(model->config.hidden_size, config, options).ptr(); };
    for (const auto& path : plan.modules) {
      auto& layer = *modules.layers.at(path);
      if (config.kind == "houlsby") layer.after_attention_slot.add(layer, name, make());
      layer.after_mlp_slot.add(layer, name, make());
    }
  }

  void operator()(const PromptTuningConfig& config) const {
    const auto m = config.num_virtual_tokens;
    const auto& embedding = *model->model->embed_tokens;
    auto start = torch::randn({m, embedding.hidden_size()}, embedding.adapter_options());
    if (config.prompt_tuning_init != "RANDOM") {
      auto ids = config.prompt_tuning_init_ids;
      if (config.prompt_tuning_init == "SAMPLE_VOCAB") {
        const auto drawn = at::randint(embedding.vocab_size(), {m}, at::kLong);
        ids.assign(drawn.template data_ptr<std::int64_t>(),
                   drawn.template data_ptr<std::int64_t>() + m);
      }
      if (ids.empty()) fail("prompt_tuning_init_text: the text has no tokens");
      std::vector<std::int64_t> repeated;
      for (std::int64_t t = 0; t < m; ++t)
        repeated.push_back(ids[static_cast<std::size_t>(t) % ids.size()]);
      start.copy_(embedding.base_rows(at::tensor(repeated, at::kLong)).detach());
    }
    auto& decoder = *model->model;
    decoder.prompt_slot.add(decoder, name, SoftPrompt(start).ptr());
  }

  void operator()(const PromptEncoderConfig& config) const {
    auto& decoder = *model->model;
    const auto options = decoder.embed_tokens->adapter_options();
    decoder.prompt_slot.add(decoder, name,
                            SoftPrompt(config, model->config.hidden_size, options).ptr());
  }

  void operator()(const PrefixTuningConfig& config) const {
    auto& decoder = *model->model;
    const PrefixKVImpl::Shape shape{model->config.num_hidden_layers,
                                    model->config.num_key_value_heads, model->config.head_dim};
    const auto options = decoder.embed_tokens->adapter_options();
    decoder.prefix_slot.add(decoder, name, PrefixKV(config, shape, options).ptr());
  }

  void copies() const {
    for (const auto& parameter : plan.copies) {
      const auto dot = parameter.rfind('.');
      const auto path = parameter.substr(0, dot);
      const auto embedding = modules.embeddings.find(path);
      if (embedding != modules.embeddings.end()) {
        embedding->second->add_adapter(name, EmbeddingCopy(*embedding->second).ptr());
      } else if (!has_copyable(*modules.find(path), parameter.substr(dot + 1))) {
        fail(parameter,
             ": is quantised and cannot be trained itself; load the model without "
             "quantization, or train an adapter");
      } else {
        add_parameter_copy(*model->adapters(), *modules.find(path), parameter.substr(dot + 1),
                           name);
      }
    }
  }
};

}  // namespace

LoraConfig config_of_module(const LoraConfig& config, const std::string& path) {
  auto own = config;
  own.r = pattern_value(config.rank_pattern, path, config.r);
  own.lora_alpha = pattern_value(config.alpha_pattern, path, config.lora_alpha);
  return own;
}

void attach_planned(CausalLM& model,
                    const PeftConfig& config,
                    const AttachPlan& plan,
                    const std::string& name) {
  if (has_adapter(model, name)) fail("adapter \"", name, "\" is attached already; detach it first");
  if (model->adapters()->merged_places > 0) fail("an adapter is merged; unmerge it first");
  try {
    const Attachment attachment{model, plan, name, PeftModules(model)};
    std::visit(attachment, config);
    attachment.copies();
    model->adapters()->set_active(name);
  } catch (...) {
    detach(model, name);
    throw;
  }
}

void attach(CausalLM& model, const PeftConfig& config, const std::string& name) {
  validate_peft(config);
  attach_planned(model, config, plan_of(model, config), name);
}

void detach(CausalLM& model, const std::string& name) {
  auto& adapters = *model->adapters();
  const bool was_active = adapters.active_name() == name;
  if (was_active) unmerge(model);
  for (const auto& [path, host] : named_hosts(*model)) host->remove_adapter(name);
  adapters.remove_copies(name);
  for (const auto& module : model->modules()) remove_parameter_copies(*module, name);
  if (was_active) adapters.set_active("");
}

}  // namespace hone
