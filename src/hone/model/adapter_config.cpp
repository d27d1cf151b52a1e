#include <algorithm>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/format/checksum.h>
#include <hone/model/adapter_config.h>
#include <hone/model/name_patterns.h>

namespace hone {
namespace {

/// Whether PEFT's field is absent, null, false, empty or the word `none`: it changes nothing.
bool asks_for_nothing(const Json& value) {
  return value.is_null() || value == false || value == "none" || value == 0 || value == 0.0 ||
         (value.is_structured() && value.empty());
}

/// Options of PEFT that change what an adapter computes and that hone does not have.
void refuse_peft_options(const Json& json, const PeftConfig& config, const std::string& place) {
  // fan_in_fan_out says how the base is stored (GPT-2's [in, out]); the adapter is the same.
  std::vector<const char*> names = {
      "use_qalora",        "layer_replication", "alora_invocation_tokens",
      "target_parameters", "block_share",       "coft"};
  if (!std::holds_alternative<LoraConfig>(config)) {
    for (const char* name : {"modules_to_save", "bias"}) names.push_back(name);
  }
  if (std::holds_alternative<OftConfig>(config)) names.push_back("r");
  for (const auto* name : names) {
    if (json.contains(name) && !asks_for_nothing(json[name]))
      fail(place, ": \"", name, "\": ", json[name].dump(), " is not supported");
  }
}

[[noreturn]] void fail_type_of(const char* name, const Json& value, const std::string& place) {
  fail(place, ": \"", name, "\" has the wrong type: ", value.dump());
}

/// A list; where PEFT has one string instead, it is `all-linear` or an expression that matches the
/// whole name.
std::vector<std::string> read_names(const Json& value) {
  if (!value.is_string()) return value.get<std::vector<std::string>>();
  const auto text = value.get<std::string>();
  return {text == kAllLinear || is_expression(text) ? text : "^" + text + "$"};
}

void read_field(const Json& value, std::string& field) {
  // init_lora_weights is true, false or a word.
  field = value.is_boolean() ? (value.get<bool>() ? "true" : "false") : value.get<std::string>();
}

void read_field(const Json& value, std::vector<std::string>& field) {
  field = read_names(value);
}

void read_field(const Json& value, std::vector<std::int64_t>& field) {
  field = value.is_number_integer() ? std::vector<std::int64_t>{value.get<std::int64_t>()}
                                    : value.get<std::vector<std::int64_t>>();
}

template <typename T>
void read_field(const Json& value, T& field) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!value.is_number_integer()) throw Json::type_error::create(302, "not an integer", &value);
  }
  field = value.get<T>();
}

/// What an absent field means to PEFT, where our own default is another.
void set_peft_defaults(PeftConfig& config) {
  if (auto* lora = std::get_if<LoraConfig>(&config)) lora->lora_alpha = 8;
}

/// How a start was drawn matters no more once it is trained; one that changes the base does.
void check_start(const Json& json, const PeftConfig& config, const std::string& place) {
  if (!std::holds_alternative<LoraConfig>(config)) return;
  const auto start = json.find("init_lora_weights");
  if (start == json.end() || !start->is_string() || *start == "gaussian" || *start == "orthogonal")
    return;
  fail(place, ": \"init_lora_weights\": ", start->dump(),
       " is not supported; convert the adapter to plain LoRA");
}

/// A list as PEFT has it: one word or expression as a string.
Json names_json(const std::vector<std::string>& names) {
  const bool single = names.size() == 1 && (names[0] == kAllLinear || is_expression(names[0]));
  return single ? Json(names[0]) : Json(names);
}

void write_field(Json& json, const char* name, const std::vector<std::string>& field) {
  json[name] = field.empty() ? Json(nullptr) : names_json(field);
}

void write_field(Json& json, const char* name, const std::vector<std::int64_t>& field) {
  json[name] = field.empty() ? Json(nullptr) : Json(field);
}

template <typename T>
void write_field(Json& json, const char* name, const T& field) {
  json[name] = field;
}

/// The sizes that PEFT keeps with virtual tokens.
void add_model_sizes(Json& json, const PeftConfig& config, const CausalLMConfig& model) {
  const bool is_prefix = std::holds_alternative<PrefixTuningConfig>(config);
  const auto heads = is_prefix ? model.num_key_value_heads : model.num_attention_heads;
  const auto width = is_prefix ? heads * model.head_dim : model.hidden_size;
  json["num_layers"] = model.num_hidden_layers;
  json["num_attention_heads"] = heads;
  json["token_dim"] = width;
  json["num_transformer_submodules"] = 1;
  if (json.contains("encoder_hidden_size") && json["encoder_hidden_size"] == 0)
    json["encoder_hidden_size"] = width;
}

/// What PEFT asks for beyond the fields of ours.
void add_fixed_fields(Json& json, const PeftConfig& config, const CausalLMConfig& model) {
  if (std::holds_alternative<LoraConfig>(config)) {
    json["fan_in_fan_out"] = false;
    json["layers_pattern"] = nullptr;
    // The start is part of the saved matrices by now.
    json["init_lora_weights"] = true;
  } else if (const auto* adalora = std::get_if<AdaLoraConfig>(&config)) {
    json["target_r"] = json["r"] = adalora->init_r;
    json["total_step"] = 1;
  } else if (std::holds_alternative<PromptTuningConfig>(config) ||
             std::holds_alternative<PromptEncoderConfig>(config) ||
             std::holds_alternative<PrefixTuningConfig>(config)) {
    add_model_sizes(json, config, model);
    // TEXT needs a tokenizer to be read again; the vectors are in the file.
    if (std::holds_alternative<PromptTuningConfig>(config)) json["prompt_tuning_init"] = "RANDOM";
  }
}

}  // namespace

PeftConfig peft_config_from_json(const Json& json, const std::string& place) {
  if (!json.is_object()) fail(place, ": expected an object");
  const auto type = json.find("peft_type");
  const auto word = type != json.end() && type->is_string() ? type->get<std::string>() : "";
  PeftConfig config;
  try {
    config = config_of_peft_type(word);
  } catch (const Error&) {
    fail(place, ": peft_type \"", word, "\" is not supported (supported: ", peft_type_names(), ")");
  }
  set_peft_defaults(config);
  refuse_peft_options(json, config, place);
  check_start(json, config, place);
  const auto read = [&](const char* name, auto& field, const char*) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return;
    try {
      read_field(*found, field);
    } catch (const Json::exception&) {
      fail_type_of(name, *found, place);
    }
  };
  std::visit([&](auto& method) { visit_fields(method, read); }, config);
  try {
    validate_peft(config);
  } catch (const Error& error) {
    fail(place, ": ", error.what());
  }
  return config;
}

Json peft_config_to_json(const PeftConfig& config,
                         const CausalLMConfig& model,
                         const std::string& base_model) {
  Json json = {{"base_model_name_or_path", base_model},
               {"inference_mode", true},
               {"peft_type", peft_type(config)},
               {"task_type", "CAUSAL_LM"}};
  auto copy = config;
  std::visit(
      [&](auto& method) {
        visit_fields(method, [&](const char* name, auto& field, const char*) {
          write_field(json, name, field);
        });
      },
      copy);
  add_fixed_fields(json, config, model);
  return json;
}

std::string hash_of(const PeftConfig& config, const CausalLMConfig& model) {
  return xxh3_hex(to_json_line(peft_config_to_json(config, model, "")));
}

}  // namespace hone
