// The place in a module that holds named adapters of one kind.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <hone/adapter_switch.h>

namespace hone {

/// Adapters by name, of which the model's switch says which one takes part. Their parameters are
/// registered as `<node>.<name>.<parameter>` below the module that owns the slot.
template <typename Adapter>
class AdapterSlot {
 public:
  explicit AdapterSlot(std::string node = "adapters") : node_name_(std::move(node)) {}

  void share(const std::shared_ptr<AdapterSwitch>& adapters) {
    TORCH_CHECK(!node_, "a module that holds adapters cannot join another model");
    switch_ = adapters;
  }
  const std::shared_ptr<AdapterSwitch>& adapter_switch() const { return switch_; }

  /// Adds `adapter` under `name`, registered below `owner`, and makes it the active one. Throws
  /// `c10::Error` where the name is taken or malformed.
  void add(torch::nn::Module& owner, const std::string& name, std::shared_ptr<Adapter> adapter) {
    const auto id = static_cast<std::size_t>(switch_->id_of(name));
    TORCH_CHECK(!find(name), "adapter '", name, "' is attached already");
    if (!node_) node_ = owner.register_module(node_name_, std::make_shared<torch::nn::Module>());
    node_->register_module(name, adapter);
    if (by_id_.size() <= id) by_id_.resize(id + 1);
    by_id_[id] = std::move(adapter);
    switch_->set_active(name);
  }

  /// Removes the adapter `name`; says whether it was here.
  bool remove(const std::string& name) {
    if (!find(name)) return false;
    by_id_[static_cast<std::size_t>(*switch_->find(name))] = nullptr;
    node_->unregister_module(name);
    return true;
  }

  /// The adapter `name`, or null.
  std::shared_ptr<Adapter> find(const std::string& name) const {
    const auto id = switch_->find(name);
    return id && static_cast<std::size_t>(*id) < by_id_.size()
               ? by_id_[static_cast<std::size_t>(*id)]
               : nullptr;
  }

  /// The adapter with the number `id`, or null.
  Adapter* at(int id) const {
    return id >= 0 && static_cast<std::size_t>(id) < by_id_.size()
               ? by_id_[static_cast<std::size_t>(id)].get()
               : nullptr;
  }

  /// Whether no adapter was ever here.
  bool empty() const { return !node_; }

  /// The active adapter, or null where there is none here or adapters are off.
  Adapter* active() const { return at(switch_->active()); }

 private:
  std::string node_name_;
  std::shared_ptr<AdapterSwitch> switch_ = std::make_shared<AdapterSwitch>();
  std::shared_ptr<torch::nn::Module> node_;  // carries the name `adapters`
  std::vector<std::shared_ptr<Adapter>> by_id_;
};

}  // namespace hone
