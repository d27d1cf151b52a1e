#include <array>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/data/record_kind.h>

namespace hone {
namespace {

constexpr std::array kKinds = {
    std::pair{RecordKind::kSft, "sft"},           std::pair{RecordKind::kPreference, "preference"},
    std::pair{RecordKind::kUnpaired, "unpaired"}, std::pair{RecordKind::kRanked, "ranked"},
    std::pair{RecordKind::kStepwise, "stepwise"}, std::pair{RecordKind::kPrompt, "prompt"}};

}  // namespace

const char* kind_name(RecordKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "";
}

RecordKind record_kind(const std::string& name, const std::string& place) {
  for (const auto& [kind, known] : kKinds) {
    if (name == known) return kind;
  }
  fail(place, ": kind ", quote(name), " is not known to this program");
}

}  // namespace hone
