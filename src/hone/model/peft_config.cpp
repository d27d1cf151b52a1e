#include <array>
#include <stdexcept>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/names.h>
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

void validate_peft(const PeftConfig& config) {
  try {
    std::visit([](const auto& method) { validate(method); }, config);
  } catch (const std::invalid_argument& error) {
    throw Error(error.what());
  }
}

}  // namespace hone
