// hone-inspect on models and adapters: what they are and how large, told from their files alone.
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/json_io.h>
#include <hone/base/progress.h>
#include <hone/format/gguf.h>
#include <hone/format/tensor_list.h>

#include "inspect.h"

namespace hone::tools {
namespace {

namespace fs = std::filesystem;

std::string megabytes_text(std::int64_t bytes) {
  return concat(format_count(static_cast<double>(bytes) / 1e6), " MB");
}

/// A model's numbers by the names that config.json has for them; those it does not say are absent.
struct ModelFacts {
  std::string family;
  std::map<std::string, std::int64_t> sizes;

  std::int64_t size(const std::string& name, std::int64_t otherwise = 0) const {
    const auto found = sizes.find(name);
    return found == sizes.end() ? otherwise : found->second;
  }
};

ModelFacts facts_of_config(const fs::path& path) {
  // GPT-2 has names of its own.
  constexpr std::array<std::pair<const char*, const char*>, 12> kNames = {{
      {"num_hidden_layers", "layers"},
      {"n_layer", "layers"},
      {"hidden_size", "hidden"},
      {"n_embd", "hidden"},
      {"num_attention_heads", "heads"},
      {"n_head", "heads"},
      {"num_key_value_heads", "key-value heads"},
      {"head_dim", "head size"},
      {"vocab_size", "vocabulary"},
      {"max_position_embeddings", "context"},
      {"n_positions", "context"},
      {"intermediate_size", "feed-forward"},
  }};
  const auto config = read_json(path);
  ModelFacts facts{.family = config.value("model_type", "unknown"), .sizes = {}};
  for (const auto& [key, name] : kNames) {
    if (config.contains(key) && config[key].is_number_integer())
      facts.sizes.try_emplace(name, config[key].get<std::int64_t>());
  }
  return facts;
}

ModelFacts facts_of_gguf(const GgufFile& file) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kNames = {{
      {".block_count", "layers"},
      {".embedding_length", "hidden"},
      {".attention.head_count", "heads"},
      {".attention.head_count_kv", "key-value heads"},
      {".attention.key_length", "head size"},
      {".context_length", "context"},
      {".feed_forward_length", "feed-forward"},
  }};
  ModelFacts facts{.family = file.find_string("general.architecture").value_or("unknown"),
                   .sizes = {}};
  for (const auto& [key, name] : kNames) {
    if (const auto value = file.find_int(facts.family + key)) facts.sizes[name] = *value;
  }
  if (const auto tokens = file.find_strings("tokenizer.ggml.tokens"))
    facts.sizes["vocabulary"] = static_cast<std::int64_t>(tokens->size());
  return facts;
}

struct TensorTotals {
  std::int64_t elements = 0, bytes = 0, embeddings = 0, first_layer = 0;
  std::map<std::string, std::int64_t> bytes_by_type;
};

TensorTotals totals_of(const std::vector<StoredTensor>& tensors) {
  constexpr std::array<std::string_view, 4> kEmbeddings = {"embed_tokens", "token_embd", "wte",
                                                           "wpe"};
  constexpr std::array<std::string_view, 3> kFirstLayer = {"layers.0.", "blk.0.", "h.0."};
  TensorTotals totals;
  for (const auto& tensor : tensors) {
    totals.elements += tensor.elements;
    totals.bytes += tensor.bytes;
    totals.bytes_by_type[tensor.type] += tensor.bytes;
    const auto is_named = [&](std::string_view part) {
      return tensor.name.find(part) != std::string::npos;
    };
    if (std::ranges::any_of(kEmbeddings, is_named)) totals.embeddings += tensor.elements;
    if (std::ranges::any_of(kFirstLayer, is_named)) totals.first_layer += tensor.elements;
  }
  return totals;
}

void print_totals(const std::vector<StoredTensor>& tensors, const TensorTotals& totals) {
  std::cout << "on disk          " << megabytes_text(totals.bytes) << " in " << tensors.size()
            << " tensors:";
  for (const auto& [type, bytes] : totals.bytes_by_type)
    std::cout << ' ' << type << ' ' << megabytes_text(bytes);
  std::cout << '\n';
}

void print_facts(const std::string& path,
                 const ModelFacts& facts,
                 const std::vector<StoredTensor>& tensors) {
  constexpr std::array kShown = {"layers",          "hidden",    "feed-forward", "heads",
                                 "key-value heads", "head size", "vocabulary",   "context"};
  const auto totals = totals_of(tensors);
  std::cout << path << ": " << facts.family << ", " << format_count(totals.elements)
            << " parameters\n";
  for (const std::string name : kShown) {
    if (facts.sizes.contains(name))
      std::cout << name << std::string(17 - name.size(), ' ') << format_count(facts.size(name))
                << '\n';
  }
  std::cout << "embeddings       " << format_count(totals.embeddings) << " parameters\n";
  const auto layers = facts.size("layers");
  if (totals.first_layer > 0)
    std::cout << "a layer          " << format_count(totals.first_layer) << " parameters\n";
  const auto heads = facts.size("heads");
  if (layers > 0 && heads > 0) {
    const auto head_size = facts.size("head size", facts.size("hidden") / heads);
    const auto values = 2 * layers * facts.size("key-value heads", heads) * head_size;
    std::cout << "KV cache         " << format_count(2 * values) << " bytes a token in bf16, "
              << format_count(4 * values) << " in fp32\n";
  }
  print_totals(tensors, totals);
}

void print_tokenizer(const std::string& path) {
  try {
    const auto tokenizer = load_tokenizer(path);
    std::cout << "tokenizer        " << format_count(tokenizer.vocab_size()) << " tokens, hash "
              << tokenizer.hash() << ", "
              << (tokenizer.chat_template().empty() ? "no chat template" : "with a chat template")
              << '\n';
  } catch (const Error& error) {
    std::cout << "tokenizer        none: " << error.what() << '\n';
  }
}

}  // namespace

int inspect_model(const std::string& path) {
  const auto facts = fs::is_directory(path) ? facts_of_config(fs::path(path) / "config.json")
                                            : facts_of_gguf(GgufFile(path));
  print_facts(path, facts, list_tensors(path));
  print_tokenizer(path);
  return 0;
}

int inspect_adapter(const std::string& path) {
  constexpr std::array kShown = {"r",
                                 "lora_alpha",
                                 "lora_dropout",
                                 "bias",
                                 "use_rslora",
                                 "use_dora",
                                 "num_virtual_tokens",
                                 "target_modules",
                                 "modules_to_save",
                                 "base_model_name_or_path"};
  const auto config = read_json(fs::path(path) / "adapter_config.json");
  const auto tensors = list_tensors(path);
  const auto totals = totals_of(tensors);
  std::cout << path << ": adapter " << config.value("peft_type", "of an unknown type") << ", "
            << format_count(totals.elements) << " parameters\n";
  for (const std::string key : kShown) {
    if (!config.contains(key) || config[key].is_null()) continue;
    const auto& value = config[key];
    std::cout << key << std::string(25 - key.size(), ' ')
              << (value.is_string() ? value.get<std::string>() : to_json_line(value)) << '\n';
  }
  print_totals(tensors, totals);
  return 0;
}

}  // namespace hone::tools
