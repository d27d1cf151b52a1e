// The token ids that the fixtures of the tiny models were computed for.
#pragma once

#include "shared_data.h"
#include "tensor_compare.h"

namespace hone::testing {

/// [1, 12], int64.
inline at::Tensor input_ids() {
  return stored(fixture_path("models/inputs.safetensors"), "input_ids");
}

}  // namespace hone::testing
