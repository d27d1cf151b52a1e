// Models from disk and back: a Hugging Face folder, or a GGUF file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <hone/causal_lm.h>

namespace hone {

/// How the matrices of a frozen model are kept.
enum class Quantization {
  kNone,    ///< as tensors of the model's dtype
  kStored,  ///< the quantised blocks of a GGUF file as they lie in it, mapped, expanded where used
  kNf4,     ///< layers in NF4 with double quantisation; embedding and head as they are
  kInt8,    ///< layers in 8-bit integers, one scale a row; embedding and head as they are
};

/// `none`, `stored`, `nf4` or `int8`. Throws `Error` for another word.
Quantization quantization(const std::string& name);

/// How weights are held in memory.
struct LoadOptions {
  /// The dtype to compute in; nothing: as stored (GGUF blocks, and files of several dtypes: fp32).
  /// Weights stored so are used
  /// from the map, without a copy; others are converted one tensor at a time.
  std::optional<at::ScalarType> dtype = std::nullopt;
  /// Other than `kNone` the packed matrices can only be frozen: adapters train above them.
  Quantization quantization = Quantization::kNone;
};

/// Bytes that the model's own numbers take: its tensors, and what is packed.
std::int64_t weight_bytes(const CausalLM& model);

/// Numbers in its packed matrices, which are no parameters.
std::int64_t packed_numbers(const CausalLM& model);

/// Loads the model in `path`: a folder with config.json and model.safetensors or pytorch_model.bin
/// (or shards of either with their index), or a `.gguf` file. No weight requires a gradient. Throws
/// `Error` naming the file and the tensor where one is missing, not part of the model, or of
/// another shape.
CausalLM load_pretrained(const std::filesystem::path& path, const LoadOptions& options = {});

/// The configuration alone.
CausalLMConfig load_config(const std::filesystem::path& path);

/// What `save_pretrained` found when it folded adapters in.
struct MergeReport {
  std::int64_t merged_matrices = 0;
  double largest_update = 0;  ///< largest |s B A| of an element
  double largest_lost_update =
      0;  ///< largest |s B A| of an element that rounding to the dtype left as it was
};

/// Writes config.json, generation_config.json and model.safetensors with the weights in `dtype`
/// (nothing: as they are), the active adapters folded in: added in fp32 and rounded once. The
/// folder appears when it is complete.
MergeReport save_pretrained(const CausalLM& model,
                            const std::filesystem::path& folder,
                            std::optional<at::ScalarType> dtype = std::nullopt);

/// The dtype to compute a frozen model in on this machine: bf16 where the processor multiplies bf16
/// matrices (AMX, AVX512-BF16), else fp32, which is faster there.
at::ScalarType preferred_dtype();

}  // namespace hone
