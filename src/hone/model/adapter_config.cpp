#include <stdexcept>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/format/checksum.h>
#include <hone/model/adapter_config.h>

namespace hone {
namespace {

/// Whether PEFT's field is absent, null, false, empty or the word `none`: it changes nothing.
bool asks_for_nothing(const Json& value) {
  return value.is_null() || value == false || value == "none" ||
         (value.is_structured() && value.empty());
}

void refuse_unsupported(const Json& json, const std::string& place) {
  // fan_in_fan_out says how the base is stored (GPT-2's [in, out]); the adapter is the same.
  for (const char* name :
       {"use_dora", "use_qalora", "lora_bias", "bias", "modules_to_save", "trainable_token_indices",
        "layer_replication", "alora_invocation_tokens", "target_parameters"}) {
    if (json.contains(name) && !asks_for_nothing(json[name])) {
      fail(place, ": \"", name, "\": ", json[name].dump(), " is not supported");
    }
  }
  const auto start = json.find("init_lora_weights");
  // Methods such as PiSSA change the base as well; an adapter of theirs fits only that changed
  // base.
  if (start != json.end() && start->is_string() && *start != "gaussian") {
    fail(place, ": \"init_lora_weights\": ", start->dump(),
         " is not supported; convert the adapter to plain LoRA");
  }
}

template <typename T>
T field(const Json& json, const char* name, T otherwise, const std::string& place) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return otherwise;
  try {
    return found->get<T>();
  } catch (const nlohmann::json::exception&) {
    fail(place, ": \"", name, "\" has the wrong type: ", found->dump());
  }
}

std::vector<std::string> read_targets(const Json& json, const std::string& place) {
  const auto found = json.find("target_modules");
  if (found == json.end() || found->is_null()) fail(place, ": \"target_modules\" is missing");
  if (found->is_string()) return {found->get<std::string>()};
  return field<std::vector<std::string>>(json, "target_modules", {}, place);
}

std::vector<std::int64_t> read_layers(const Json& json, const std::string& place) {
  const auto found = json.find("layers_to_transform");
  if (found != json.end() && found->is_number_integer()) return {found->get<std::int64_t>()};
  return field<std::vector<std::int64_t>>(json, "layers_to_transform", {}, place);
}

}  // namespace

LoraConfig lora_config_from_json(const Json& json, const std::string& place) {
  if (!json.is_object()) fail(place, ": expected an object");
  const auto method = field<std::string>(json, "peft_type", "", place);
  if (method != "LORA")
    fail(place, ": peft_type \"", method, "\" is not supported (supported: LORA)");
  refuse_unsupported(json, place);
  LoraConfig config;
  config.r = field<std::int64_t>(json, "r", config.r, place);
  config.lora_alpha = field<double>(json, "lora_alpha", 8, place);
  config.lora_dropout = field<double>(json, "lora_dropout", 0, place);
  config.use_rslora = field<bool>(json, "use_rslora", false, place);
  config.target_modules = read_targets(json, place);
  config.layers_to_transform = read_layers(json, place);
  config.rank_pattern = field<std::map<std::string, std::int64_t>>(json, "rank_pattern", {}, place);
  config.alpha_pattern = field<std::map<std::string, double>>(json, "alpha_pattern", {}, place);
  try {
    validate(config);
  } catch (const std::invalid_argument& error) {
    fail(place, ": ", error.what());
  }
  return config;
}

Json lora_config_to_json(const LoraConfig& config, const std::string& base_model) {
  const bool is_word =
      config.target_modules.size() == 1 && config.target_modules[0] == "all-linear";
  Json layers = nullptr;
  if (!config.layers_to_transform.empty()) layers = config.layers_to_transform;
  return {{"alpha_pattern", config.alpha_pattern},
          {"base_model_name_or_path", base_model},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layers_pattern", nullptr},
          {"layers_to_transform", layers},
          {"lora_alpha", config.lora_alpha},
          {"lora_bias", false},
          {"lora_dropout", config.lora_dropout},
          {"modules_to_save", nullptr},
          {"peft_type", "LORA"},
          {"r", config.r},
          {"rank_pattern", config.rank_pattern},
          {"target_modules", is_word ? Json("all-linear") : Json(config.target_modules)},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", config.use_rslora}};
}

std::string hash_of(const LoraConfig& config) {
  return xxh3_hex(to_json_line(lora_config_to_json(config, "")));
}

}  // namespace hone
