// The weights in a model's folder, in whichever kind of file they lie.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace hone {

/// Every tensor of `model.safetensors`, `pytorch_model.bin`, or the shards of either, mapped and
/// not copied. safetensors win where both are there.
class WeightFiles {
 public:
  /// Throws `Error` where none of them is there, or one is damaged.
  explicit WeightFiles(const std::filesystem::path& folder);

  /// Every tensor by name.
  const std::map<std::string, std::function<at::Tensor()>, std::less<>>& tensors() const {
    return tensors_;
  }

  bool contains(std::string_view name) const { return tensors_.contains(name); }

  /// The tensor of that name, or an undefined one.
  at::Tensor find(std::string_view name) const;

 private:
  void add_safetensors(const std::filesystem::path& folder);
  void add_torch_files(const std::filesystem::path& folder);

  std::map<std::string, std::function<at::Tensor()>, std::less<>> tensors_;
};

}  // namespace hone
