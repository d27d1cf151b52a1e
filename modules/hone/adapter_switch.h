// Which adapters of a model take part: one switch, shared by every place that holds adapters.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <hone/shapes.h>

namespace hone {

/// Tokens next to each other that go through the same adapter.
struct AdapterSegment {
  int adapter;         ///< its number in the switch; `AdapterSwitch::kNone`: the base
  std::int64_t first;  ///< index of its first token among the N of the batch
  std::int64_t count;  ///< tokens
};

/// The names of a model's adapters and which of them is active, for the whole batch or for each of
/// its rows.
///
/// Every slot of a model asks the same switch, so that switching is one store, however many layers
/// there are. A parameter that an adapter replaces by a copy of its own is exchanged here too.
class AdapterSwitch {
 public:
  static constexpr int kNone = -1;

  /// The number of `name`, given out at its first mention.
  int id_of(const std::string& name);
  /// The number of `name`; nothing where it was never mentioned.
  std::optional<int> find(const std::string& name) const;
  /// The name with the number `id`.
  const std::string& name_of(int id) const { return names_.at(static_cast<std::size_t>(id)); }

  /// Makes `name` the active adapter; with an unknown name there is none.
  void set_active(const std::string& name);
  /// The number of the active adapter; `kNone` where there is none or adapters are off.
  int active() const { return enabled_ ? active_ : kNone; }
  /// The name of the adapter that was made active, empty where there is none.
  std::string active_name() const;

  /// Whether adapters take part; `AdaptersOff` switches it.
  void set_enabled(bool enabled);
  bool enabled() const { return enabled_; }

  /// One adapter for each row of the batches to come (an empty name: the base); none: the active
  /// one for all.
  void set_rows(const std::vector<std::string>& names);
  const std::vector<int>& rows() const { return rows_; }

  /// Lays the rows' adapters over the tokens of a batch, `lengths` tokens each. Throws `c10::Error`
  /// where the batch has another number of rows. Without rows there are no segments.
  void begin_batch(const std::vector<std::int64_t>& lengths);
  const std::vector<AdapterSegment>& segments() const { return segments_; }

  /// While `name` is active, `place` holds `own` instead of what it holds now. `place` must outlive
  /// the switch's use of it; `remove_copies` puts the first tensor back.
  void add_copy(const std::string& name, Tensor& place, Tensor own);
  void remove_copies(const std::string& name);

  bool has_copies(const std::string& name) const;

  /// Writes the copies of the active adapter over what they stand for; `unmerge_copies` puts the
  /// first numbers back, bit for bit.
  void merge_copies();
  void unmerge_copies();

  /// Places where an adapter is folded into the weights now.
  int merged_places = 0;

 private:
  struct Copy {
    int adapter;
    Tensor* place;
    Tensor base, own;
    Tensor replaced;  // numbers of `base` while those of `own` are in it
  };
  void exchange();

  std::vector<std::string> names_;
  std::vector<int> rows_;
  std::vector<AdapterSegment> segments_;
  std::vector<Copy> copies_;
  int active_ = kNone;
  bool enabled_ = true;
};

/// A module that has places for adapters.
class AdapterHost {
 public:
  virtual ~AdapterHost() = default;

  /// Asks `adapters` from now on. Throws `c10::Error` where this module holds an adapter already.
  virtual void share(const std::shared_ptr<AdapterSwitch>& adapters) = 0;
  virtual const std::shared_ptr<AdapterSwitch>& adapter_switch() const = 0;

  /// Whether the adapter `name` is here.
  virtual bool holds_adapter(const std::string& name) const = 0;
  /// Removes the adapter `name`, if it is here, unfolding it first.
  virtual void remove_adapter(const std::string& name) = 0;

  /// Folds the active adapter into the weights in place; `unmerge` takes it out again. Each does
  /// nothing where it is done already or there is none. Throws `c10::Error` where this kind of
  /// adapter cannot be folded in.
  virtual void merge() {}
  virtual void unmerge() {}

  /// Why the active adapter cannot be folded into the weights; empty where it can.
  virtual std::string merge_obstacle() const { return {}; }
};

/// Every host below `model`, with its dotted name (empty for `model` itself), in registration
/// order.
std::vector<std::pair<std::string, std::shared_ptr<AdapterHost>>> named_hosts(
    const torch::nn::Module& model);

/// For the life of this object the model computes as its base: the reference policy without a
/// second copy. Nested scopes restore what they found. Throws `c10::Error` where an adapter is
/// folded into the weights.
class AdaptersOff {
 public:
  explicit AdaptersOff(const torch::nn::Module& model);
  ~AdaptersOff();
  AdaptersOff(const AdaptersOff&) = delete;
  AdaptersOff& operator=(const AdaptersOff&) = delete;

 private:
  std::vector<std::shared_ptr<AdapterSwitch>> switched_;
};

}  // namespace hone
