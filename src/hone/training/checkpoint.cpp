#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/format/safetensors.h>
#include <hone/model/tensor_files.h>
#include <hone/training/checkpoint.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateFile = "state.safetensors";
constexpr const char* kProgression = "hone.progression";
constexpr const char* kRandomState = "random_state";
constexpr const char* kParameter = "parameter.";
constexpr std::string_view kStep = "step_";

Json to_json(const Progression& progression) {
  return {{"steps", progression.steps},
          {"seed", progression.cursor.seed},
          {"epoch", progression.cursor.epoch},
          {"position", progression.cursor.position},
          {"identity", progression.identity}};
}

Progression progression_of(const Json& json) {
  return {.cursor = {.seed = json.at("seed").get<std::uint64_t>(),
                     .epoch = json.at("epoch").get<std::int64_t>(),
                     .position = json.at("position").get<std::int64_t>()},
          .steps = json.at("steps").get<std::int64_t>(),
          .identity = json.at("identity").get<Identity>()};
}

void check_identity(const fs::path& path, const Identity& saved, const Identity& identity) {
  for (const auto& [key, value] : identity) {
    const auto found = saved.find(key);
    if (found != saved.end() && found->second == value) continue;
    fail(path.string(), ": was written by a run with ", key, " ",
         found == saved.end() ? "unset" : found->second, ", this run has ", value);
  }
}

/// The stored tensor for `parameter` (or a part of the optimiser's state), checked.
at::Tensor matching(const SafetensorsFile& file,
                    const std::string& name,
                    const at::Tensor& parameter) {
  const auto* view = file.find(name);
  if (view == nullptr)
    fail(file.path().string(), ": \"", name, "\" is missing: the run trains other parameters");
  const auto stored = map_tensor(*view, file.owner());
  if (stored.sizes() != parameter.sizes()) {
    fail(file.path().string(), ": \"", name, "\" has shape ", stored.sizes(), ", this run needs ",
         parameter.sizes());
  }
  return stored;
}

std::optional<std::int64_t> step_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  if (!name.starts_with(kStep)) return std::nullopt;
  std::int64_t step = 0;
  const auto* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kStep.size(), end, step);
  return error == std::errc() && stop == end ? std::optional(step) : std::nullopt;
}

}  // namespace

void save_checkpoint(const fs::path& folder,
                     const Optimization& optimization,
                     const Progression& progression,
                     const std::function<void(const fs::path&)>& extra) {
  auto tensors = optimization.state();
  for (const auto& [name, parameter] : optimization.parameters())
    tensors[kParameter + name] = parameter;
  tensors[kRandomState] = at::detail::getDefaultCPUGenerator().get_state();
  AtomicFolder target(folder);
  // First: whoever saves a model may replace the whole folder by a finished one.
  if (extra) extra(target.temporary());
  write_tensors(target.temporary() / kStateFile, tensors,
                {{kProgression, to_json_line(to_json(progression))}}, Checksum::kAdd);
  target.commit();
}

Progression load_checkpoint(const fs::path& folder,
                            Optimization& optimization,
                            const Identity& identity) {
  const SafetensorsFile file(folder / kStateFile, Verify::kRequire);
  const auto place = file.path().string();
  const auto found = file.metadata().find(kProgression);
  if (found == file.metadata().end()) fail(place, ": is not a checkpoint");
  const auto progression = progression_of(parse_json(found->second, place));
  check_identity(place, progression.identity, identity);
  for (const auto& [name, parameter] : optimization.parameters())
    matching(file, kParameter + name, parameter);
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, tensor] : optimization.state())
    state[name] = matching(file, name, tensor);
  const auto random = file.at(kRandomState);
  torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : optimization.parameters()) {
    parameter.copy_(matching(file, kParameter + name, parameter));
  }
  optimization.restore(state, progression.steps);
  auto generator = at::detail::getDefaultCPUGenerator();
  generator.set_state(map_tensor(random, file.owner()).clone());
  return progression;
}

std::vector<fs::path> list_checkpoints(const fs::path& run_folder) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  if (fs::is_directory(run_folder)) {
    for (const auto& entry : fs::directory_iterator(run_folder)) {
      const auto step = step_of(entry.path());
      if (step && entry.is_directory()) found.emplace_back(*step, entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

}  // namespace hone
