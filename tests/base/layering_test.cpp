// Every #include line of modules/ and src/ against the table of layers in docs/architecture.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

/// One row of the table, for a folder or for one header with its source. Both go by the last part
/// of their path: `shapes`, `kernels`, `modules`, `base` ...
struct Layer {
  int rank = 0;
  std::set<std::string> may_include;
  std::string packages;
};
using Layers = std::map<std::string, Layer>;

struct Source {
  std::string path;  ///< below the checkout
  std::string
      folder;  ///< as in `Layers`; empty: directly in src/hone, which may include everything
  std::vector<std::string> includes;  ///< what stands between the brackets or quotes
};

/// The last part of a folder, but `modules` for modules/hone and nothing for src/hone.
std::string folder_name(const std::string& folder) {
  if (folder == "modules/hone") return "modules";
  if (folder == "src/hone") return "";
  return fs::path(folder).filename().string();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// The words between backticks.
std::vector<std::string> quoted(const std::string& cell) {
  const auto parts = split(cell, '`');
  std::vector<std::string> words;
  for (std::size_t i = 1; i < parts.size(); i += 2) words.push_back(parts[i]);
  return words;
}

Layers read_layers(std::istream& page) {
  Layers layers;
  for (std::string line; std::getline(page, line);) {
    const auto cells = split(line, '|');
    if (cells.size() < 5 || cells[1].find_first_not_of(" 0123456789") != std::string::npos)
      continue;
    const auto folder = quoted(cells[2]);
    if (folder.size() != 1) continue;
    const auto may = quoted(cells[3]);
    layers[folder_name(folder[0])] = {std::stoi(cells[1]), {may.begin(), may.end()}, cells[4]};
  }
  return layers;
}

std::vector<std::string> read_includes(const fs::path& path) {
  std::vector<std::string> includes;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("#include ", 0) != 0) continue;
    const auto begin = line.find_first_of("<\"");
    includes.push_back(line.substr(begin + 1, line.find_first_of(">\"", begin + 1) - begin - 1));
  }
  return includes;
}

std::vector<Source> read_sources(const fs::path& root) {
  std::vector<Source> sources;
  for (const auto* top : {"modules/hone", "src/hone"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const auto path = fs::relative(entry.path(), root);
      sources.push_back(
          {path.string(), folder_name(path.parent_path().string()), read_includes(entry.path())});
    }
  }
  return sources;
}

/// The row of a file: its own if it has one, else its folder's.
std::string row_of(const Layers& layers, const fs::path& file, const std::string& folder) {
  const auto stem = file.stem().string();
  return folder == "modules" && layers.contains(stem) ? stem : folder;
}

/// The row of `<hone/...>`: `lora.h` is of modules, `training/sft.h` of training.
std::string included_row(const Layers& layers, const std::string& include) {
  const auto parts = split(include, '/');
  return row_of(layers, include, parts.size() < 3 ? "modules" : parts[1]);
}

/// The package that an include line takes something from, or nothing if it is not watched.
std::string package_of(const std::string& include) {
  const std::map<std::string, std::string> packages{
      {"torch", "LibTorch"}, {"ATen", "LibTorch"},
      {"c10", "LibTorch"},   {"nlohmann", "nlohmann/json"},
      {"CLI", "CLI11"},      {"sentencepiece_processor.h", "sentencepiece"}};
  const auto found = packages.find(split(include, '/').front());
  return found == packages.end() ? "" : found->second;
}

/// What is wrong with the include lines of `source`, a line each.
std::vector<std::string> violations(const Layers& layers, const Source& source) {
  if (source.folder.empty()) return {};
  const auto row = row_of(layers, source.path, source.folder);
  const auto own = layers.find(row);
  if (own == layers.end()) return {source.path + ": its folder has no row in docs/architecture.md"};
  std::vector<std::string> wrong;
  for (const auto& include : source.includes) {
    if (include.rfind("hone/", 0) == 0) {
      const auto included = included_row(layers, include);
      if (included != row && !own->second.may_include.contains(included)) {
        wrong.push_back(source.path + ": " + row + " may not include <" + include + ">");
      }
    } else if (const auto package = package_of(include);
               !package.empty() && own->second.packages.find(package) == std::string::npos) {
      wrong.push_back(source.path + ": " + row + " may not use " + package + " (<" + include +
                      ">)");
    }
  }
  return wrong;
}

/// The headers of a chain of includes that leads back to its start; empty where there is none.
std::vector<std::string> find_cycle(
    const std::map<std::string, std::vector<std::string>>& includes) {
  std::set<std::string> done;
  std::vector<std::string> chain;
  const auto visit = [&](const auto& self, const std::string& header) -> bool {
    const auto at = std::find(chain.begin(), chain.end(), header);
    if (at != chain.end()) {
      chain.erase(chain.begin(), at);
      return true;
    }
    if (done.contains(header) || !includes.contains(header)) return false;
    chain.push_back(header);
    for (const auto& next : includes.at(header)) {
      if (self(self, next)) return true;
    }
    chain.pop_back();
    done.insert(header);
    return false;
  };
  for (const auto& [header, unused] : includes) {
    if (visit(visit, header)) return chain;
  }
  return {};
}

class Layering : public ::testing::Test {
 protected:
  Layering() {
    std::ifstream page(root / "docs" / "architecture.md");
    layers = read_layers(page);
    sources = read_sources(root);
  }
  const fs::path root = HONE_SOURCE_DIR;
  Layers layers;
  std::vector<Source> sources;
};

TEST_F(Layering, EveryIncludeIsAllowedByTheTable) {
  ASSERT_GT(sources.size(), 20u);
  std::vector<std::string> wrong;
  for (const auto& source : sources) {
    const auto of_this = violations(layers, source);
    wrong.insert(wrong.end(), of_this.begin(), of_this.end());
  }
  EXPECT_EQ(wrong, std::vector<std::string>{});
}

TEST_F(Layering, TheTableLeadsOnlyDownwards) {
  ASSERT_EQ(layers.size(), 14u);
  for (const auto& [folder, layer] : layers) {
    for (const auto& used : layer.may_include) {
      ASSERT_TRUE(layers.contains(used)) << folder << " names " << used;
      EXPECT_LT(layers.at(used).rank, layer.rank) << folder << " uses " << used;
    }
  }
}

TEST_F(Layering, HeadersExistAndMakeNoCycle) {
  std::map<std::string, std::vector<std::string>> headers;
  for (const auto& source : sources) {
    if (!source.path.ends_with(".h")) continue;
    const auto name = source.path.substr(source.path.find('/') + 1);  // below the include root
    EXPECT_TRUE(headers.emplace(name, source.includes).second)
        << name << " lies under both include roots";
  }
  for (const auto& source : sources) {
    for (const auto& include : source.includes) {
      EXPECT_TRUE(include.rfind("hone/", 0) != 0 || headers.contains(include))
          << source.path << ": " << include;
    }
  }
  EXPECT_EQ(find_cycle(headers), std::vector<std::string>{});
}

TEST(LayeringRules, NameWhatIsWrong) {
  std::istringstream page(
      "| rank | folder | may include | other packages |\n|---|---|---|---|\n"
      "| 0 | `modules/hone/shapes` | | LibTorch |\n"
      "| 1 | `modules/hone` | `shapes` | LibTorch |\n| 2 | `src/hone/base` | | nlohmann/json |\n"
      "| 3 | `src/hone/text` | `base` | |\n");
  const auto layers = read_layers(page);
  const auto count = [&](const std::string& folder, const std::string& include) {
    return violations(layers, {"x.h", folder, {include}}).size();
  };
  EXPECT_EQ(count("text", "hone/base/error.h"), 0u);
  EXPECT_EQ(count("text", "hone/text/bpe.h"), 0u);
  EXPECT_EQ(count("modules", "torch/types.h"), 0u);
  EXPECT_EQ(count("modules", "hone/shapes.h"), 0u);
  EXPECT_EQ(violations(layers, {"modules/hone/shapes.h", "modules", {"hone/lora.h"}}).size(), 1u);
  EXPECT_EQ(count("base", "hone/text/bpe.h"), 1u);  // upwards
  EXPECT_EQ(count("text", "hone/lora.h"), 1u);      // below, but not named
  EXPECT_EQ(count("base", "ATen/ATen.h"), 1u);      // a package
  EXPECT_EQ(count("modules", "CLI/CLI.hpp"), 1u);
  EXPECT_EQ(count("cellar", "vector"), 1u);  // a folder without a row
  EXPECT_EQ(find_cycle({{"a", {"b"}}, {"b", {"c", "d"}}, {"c", {}}, {"d", {"b"}}}),
            (std::vector<std::string>{"b", "d"}));
  EXPECT_TRUE(find_cycle({{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {}}}).empty());
}

}  // namespace
}  // namespace hone
