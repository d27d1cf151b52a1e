// A model folder small enough to train in milliseconds, for tests of whole programs.
#pragma once

#include <filesystem>

namespace hone::testing {

/// Ids that the tokenizer of `write_tiny_model` knows, and rows of its model's embedding: those
/// above are padding.
inline constexpr int kTinyTokens = 907;
inline constexpr int kTinyRows = 928;

/// Writes a Llama of two layers (hidden size 16, context 64) with random weights, the tokenizer of
/// the fixture byte_level.json and a ChatML template. Rows of the head that are padding have by far
/// the largest logits: who draws from them is caught.
void write_tiny_model(const std::filesystem::path& folder);

}  // namespace hone::testing
