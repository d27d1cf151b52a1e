#include <algorithm>
#include <utility>

#include <torch/types.h>

#include <hone/adapter_switch.h>

namespace hone {

int AdapterSwitch::id_of(const std::string& name) {
  TORCH_CHECK(!name.empty() && name.find('.') == std::string::npos, "bad adapter name '", name,
              "'");
  if (const auto known = find(name)) return *known;
  names_.push_back(name);
  return static_cast<int>(names_.size()) - 1;
}

std::optional<int> AdapterSwitch::find(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) return std::nullopt;
  return static_cast<int>(found - names_.begin());
}

void AdapterSwitch::set_active(const std::string& name) {
  const int next = find(name).value_or(kNone);
  if (next == active_) return;
  active_ = next;
  exchange();
}

std::string AdapterSwitch::active_name() const {
  return active_ == kNone ? std::string() : name_of(active_);
}

void AdapterSwitch::set_enabled(bool enabled) {
  if (enabled == enabled_) return;
  enabled_ = enabled;
  exchange();
}

void AdapterSwitch::set_rows(const std::vector<std::string>& names) {
  rows_.clear();
  segments_.clear();
  for (const auto& name : names) rows_.push_back(name.empty() ? kNone : id_of(name));
}

void AdapterSwitch::begin_batch(const std::vector<std::int64_t>& lengths) {
  segments_.clear();
  if (rows_.empty() || !enabled_) return;
  TORCH_CHECK(lengths.size() == rows_.size(), "the batch has ", lengths.size(), " rows, adapters ",
              "are chosen for ", rows_.size());
  std::int64_t first = 0;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (!segments_.empty() && segments_.back().adapter == rows_[row]) {
      segments_.back().count += lengths[row];
    } else {
      segments_.push_back({rows_[row], first, lengths[row]});
    }
    first += lengths[row];
  }
}

void AdapterSwitch::add_copy(const std::string& name, Tensor& place, Tensor own) {
  const auto held = std::find_if(copies_.begin(), copies_.end(),
                                 [&](const Copy& copy) { return copy.place == &place; });
  const auto base = held == copies_.end() ? place : held->base;
  copies_.push_back({id_of(name), &place, base, std::move(own), {}});
  exchange();
}

void AdapterSwitch::remove_copies(const std::string& name) {
  const auto id = find(name);
  std::erase_if(copies_, [&](const Copy& copy) {
    if (copy.adapter != id) return false;
    *copy.place = copy.base;
    return true;
  });
  exchange();
}

bool AdapterSwitch::has_copies(const std::string& name) const {
  const auto id = find(name);
  return id && std::any_of(copies_.begin(), copies_.end(),
                           [&](const Copy& copy) { return copy.adapter == *id; });
}

void AdapterSwitch::merge_copies() {
  torch::NoGradGuard no_grad;
  for (auto& copy : copies_) {
    if (copy.adapter != active() || copy.replaced.defined()) continue;
    copy.replaced = copy.base.clone();
    copy.base.copy_(copy.own);
    ++merged_places;
  }
  exchange();
}

void AdapterSwitch::unmerge_copies() {
  torch::NoGradGuard no_grad;
  for (auto& copy : copies_) {
    if (!copy.replaced.defined()) continue;
    copy.base.copy_(copy.replaced);
    copy.replaced.reset();
    --merged_places;
  }
  exchange();
}

void AdapterSwitch::exchange() {
  for (auto& copy : copies_) *copy.place = copy.base;
  for (auto& copy : copies_) {
    if (copy.adapter == active() && !copy.replaced.defined()) *copy.place = copy.own;
  }
}

std::vector<std::pair<std::string, std::shared_ptr<AdapterHost>>> named_hosts(
    const torch::nn::Module& model) {
  std::vector<std::pair<std::string, std::shared_ptr<AdapterHost>>> found;
  for (const auto& item : model.named_modules()) {
    if (auto host = std::dynamic_pointer_cast<AdapterHost>(item.value()))
      found.emplace_back(item.key(), std::move(host));
  }
  return found;
}

AdaptersOff::AdaptersOff(const torch::nn::Module& model) {
  for (const auto& module : model.modules(/*include_self=*/false)) {
    const auto host = std::dynamic_pointer_cast<AdapterHost>(module);
    if (!host || !host->adapter_switch()->enabled()) continue;
    TORCH_CHECK(host->adapter_switch()->merged_places == 0,
                "an adapter is folded into the weights; unmerge it to compute as the base");
    host->adapter_switch()->set_enabled(false);
    switched_.push_back(host->adapter_switch());
  }
}

AdaptersOff::~AdaptersOff() {
  for (const auto& adapters : switched_) adapters->set_enabled(true);
}

}  // namespace hone
