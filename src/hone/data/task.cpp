#include <hone/base/error.h>
#include <hone/data/promptsource.h>
#include <hone/data/task.h>
#include <hone/data/task_file.h>

namespace hone {

std::shared_ptr<const Task> read_task(const std::filesystem::path& path,
                                      const std::vector<std::string>& use) {
  const auto ending = path.extension();
  if (ending == ".toml") return read_task_file(path, use);
  if (ending == ".yaml" || ending == ".yml") return read_promptsource(path, use);
  fail(path.string(), ": templates are in .toml files, or in .yaml files of PromptSource");
}

}  // namespace hone
