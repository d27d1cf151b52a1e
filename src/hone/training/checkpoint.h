// Checkpoints: everything that a run needs to go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <hone/data/batch.h>
#include <hone/training/optimization.h>

namespace hone {

/// What a run is a function of (options, data), by name; a checkpoint of another run is refused by
/// the first difference.
using Identity = std::map<std::string, std::string>;

/// Where a run stands besides its tensors.
struct Progression {
  BatchCursor::State cursor = {};
  std::int64_t steps = 0;  ///< optimiser updates done
  Identity identity = {};
};

/// Writes `folder`/state.safetensors: the trained parameters, the optimiser's moments, the random
/// state of the CPU, and `progression`, under one checksum. The folder appears when it is complete;
/// `extra` (may be empty) is called with the folder under its temporary name to put further files
/// in, such as the adapter.
void save_checkpoint(const std::filesystem::path& folder,
                     const Optimization& optimization,
                     const Progression& progression,
                     const std::function<void(const std::filesystem::path&)>& extra);

/// Restores what `save_checkpoint` wrote. Throws `Error`: damage, parameters that are missing or of
/// another shape (naming the first, with both shapes), another identity (naming the first field
/// that differs).
Progression load_checkpoint(const std::filesystem::path& folder,
                            Optimization& optimization,
                            const Identity& identity);

/// The folders `step_<N>` in `run_folder`, by N, newest last.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run_folder);

}  // namespace hone
