#include <array>
#include <map>
#include <stdexcept>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/names.h>
#include <hone/base/nearest.h>
#include <hone/model/peft_config.h>

namespace hone {
namespace {

/// In the order of the alternatives of `PeftConfig`.
constexpr std::array kPeftTypes = {
    std::pair{"LORA", 0},          std::pair{"ADALORA", 1},        std::pair{"VERA", 2},
    std::pair{"LOHA", 3},          std::pair{"LOKR", 4},           std::pair{"OFT", 5},
    std::pair{"IA3", 6},           std::pair{"LN_TUNING", 7},      std::pair{"SELECTIVE", 8},
    std::pair{"BOTTLENECK", 9},    std::pair{"PROMPT_TUNING", 10}, std::pair{"P_TUNING", 11},
    std::pair{"PREFIX_TUNING", 12}};
static_assert(kPeftTypes.size() == std::variant_size_v<PeftConfig>);

/// Everyday names of methods, and of variants that are one field away.
const std::map<std::string, PeftConfig>& methods() {
  static const std::map<std::string, PeftConfig> known = {
      {"lora", LoraConfig{}},
      {"rslora", LoraConfig{.use_rslora = true}},
      {"dora", LoraConfig{.use_dora = true}},
      {"pissa", LoraConfig{.init_lora_weights = "pissa"}},
      {"olora", LoraConfig{.init_lora_weights = "olora"}},
      {"adalora", AdaLoraConfig{}},
      {"vera", VeraConfig{}},
      {"loha", LoHaConfig{}},
      {"lokr", LoKrConfig{}},
      {"oft", OftConfig{}},
      {"ia3", Ia3Config{}},
      {"ln_tuning", LnTuningConfig{}},
      {"bitfit", SelectiveConfig{.biases = true}},
      {"last_layers", SelectiveConfig{.last_layers = 1}},
      {"selective", SelectiveConfig{}},
      {"houlsby", BottleneckConfig{.kind = "houlsby"}},
      {"pfeiffer", BottleneckConfig{.kind = "pfeiffer"}},
      {"parallel", BottleneckConfig{.kind = "parallel"}},
      {"prompt_tuning", PromptTuningConfig{}},
      {"p_tuning", PromptEncoderConfig{}},
      {"prefix_tuning", PrefixTuningConfig{}}};
  return known;
}

template <std::size_t... I>
PeftConfig default_config(std::size_t index, std::index_sequence<I...>) {
  PeftConfig config;
  ((index == I ? static_cast<void>(config.emplace<I>()) : static_cast<void>(0)), ...);
  return config;
}

}  // namespace

std::string peft_type(const PeftConfig& config) {
  return kPeftTypes[config.index()].first;
}

PeftConfig config_of_peft_type(const std::string& type) {
  const auto index = static_cast<std::size_t>(choose("peft_type", type, kPeftTypes));
  return default_config(index, std::make_index_sequence<std::variant_size_v<PeftConfig>>());
}

std::string peft_type_names() {
  return joined(names_in(kPeftTypes));
}

PeftConfig config_of_method(const std::string& name) {
  const auto found = methods().find(name);
  if (found != methods().end()) return found->second;
  const auto names = peft_method_names();
  fail("PEFT method \"", name, "\" is not one of ", joined(names), did_you_mean(name, names));
}

std::vector<std::string> peft_method_names() {
  std::vector<std::string> names;
  for (const auto& [name, config] : methods()) names.push_back(name);
  return names;
}

void validate_peft(const PeftConfig& config) {
  try {
    std::visit([](const auto& method) { validate(method); }, config);
  } catch (const std::invalid_argument& error) {
    throw Error(error.what());
  }
}

}  // namespace hone
