// The pickle in a file of torch.save: a dictionary of tensors, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// A tensor as the pickle describes it: a window into a storage.
struct PickledTensor {
  std::string name;
  std::string storage_type;         ///< `FloatStorage`, `HalfStorage`, ...
  std::string storage_key;          ///< the entry `data/<key>` of the archive
  std::int64_t storage_count = 0;   ///< elements of the storage
  std::int64_t storage_offset = 0;  ///< first element of the tensor in it
  std::vector<std::int64_t> shape, strides;
};

/// Reads the state dictionary that `bytes` pickle, protocols 2 to 5.
///
/// Unpickling runs code in Python; here it runs none: the few names that torch.save writes for a
/// dictionary of tensors are known, and every other is refused by its name. Throws `Error` starting
/// with `place`. Memory stays in proportion to the bytes.
std::vector<PickledTensor> read_torch_pickle(std::string_view bytes, const std::string& place);

}  // namespace hone
