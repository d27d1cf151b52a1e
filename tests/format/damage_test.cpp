// Every prefix and every flipped bit of small files: refused by Error, or read as before.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/format/gguf.h>
#include <hone/format/safetensors.h>

#include "base/temporary_folder.h"
#include "format/corpus.h"

namespace hone {
namespace {

using testing::TemporaryFolder;

std::optional<SafetensorsFile> load_safetensors(std::string_view bytes,
                                                Verify verify = Verify::kIfPresent) {
  try {
    return SafetensorsFile::from_bytes(bytes, nullptr, "x", verify);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<GgufFile> load_gguf(std::string_view bytes) {
  try {
    return GgufFile::from_bytes(bytes, nullptr, "x");
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Touches every byte that the file offers, so that a sanitizer sees a wrong one.
std::size_t touch(std::string_view bytes) {
  std::size_t sum = 0;
  for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
  return sum;
}

void touch(const GgufFile& file) {
  for (const auto& [key, value] : file.metadata()) {
    touch(key);
    if (const auto* text = std::get_if<std::string_view>(&value.value)) touch(*text);
    const auto* array = std::get_if<GgufArray>(&value.value);
    if (array == nullptr) continue;
    touch(array->bytes);
    if (array->element == GgufType::kString) file.get_strings(key);
    if (array->element == GgufType::kI32) file.get_ints(key);
  }
  for (const auto& tensor : file.tensors()) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    dequantize(tensor.type, tensor.bytes, values);
  }
}

/// Calls `check(damaged, byte)` for the bytes with each single bit flipped.
template <typename Check>
void for_each_flip(std::string bytes, const Check& check) {
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << bit));
      check(std::as_const(bytes), byte);
      bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << bit));
    }
  }
}

const std::string kFloats = std::string("\0\0\x80\x3f\0\0\0\xc0", 8);

std::vector<TensorView> small_tensors() {
  return {{"layer.weight", DType::F32, {2, 1}, kFloats},
          {"layer.bias", DType::BF16, {2}, std::string_view(kFloats).substr(0, 4)},
          {"mask", DType::BOOL, {3}, std::string_view(kFloats).substr(0, 3)},
          {"none", DType::F32, {0, 4}, ""}};
}

std::string small_file(Checksum checksum) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", small_tensors(), {{"format", "pt"}, {"zeta", "{\"r\": 8}"}},
                    checksum);
  return read_file(folder / "a");
}

void expect_same_tensors(const SafetensorsFile& file,
                         const SafetensorsFile& good,
                         std::size_t byte) {
  ASSERT_EQ(file.tensors().size(), good.tensors().size()) << byte;
  for (std::size_t i = 0; i < good.tensors().size(); ++i) {
    const auto& tensor = file.tensors()[i];
    ASSERT_EQ(tensor.name, good.tensors()[i].name) << byte;
    ASSERT_EQ(tensor.dtype, good.tensors()[i].dtype) << byte;
    ASSERT_EQ(tensor.shape, good.tensors()[i].shape) << byte;
    ASSERT_EQ(tensor.bytes, good.tensors()[i].bytes) << byte;
  }
}

TEST(DamagedSafetensors, EveryTruncationIsRefused) {
  for (const auto checksum : {Checksum::kNone, Checksum::kAdd}) {
    const auto bytes = small_file(checksum);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // A copy of its own: reading past the end is an error that the sanitizer sees.
      const std::string prefix = bytes.substr(0, size);
      ASSERT_FALSE(load_safetensors(prefix)) << size;
    }
    ASSERT_TRUE(load_safetensors(bytes));
  }
}

TEST(DamagedSafetensors, EveryFlipIsRefusedOrStaysInBounds) {
  std::size_t loaded = 0;
  for_each_flip(small_file(Checksum::kNone), [&](const std::string& bytes, std::size_t) {
    const auto file = load_safetensors(bytes);
    if (!file) return;
    ++loaded;
    std::size_t size = 0;
    for (const auto& tensor : file->tensors()) {
      touch(tensor.bytes);
      size += tensor.bytes.size();
      const auto count = static_cast<std::size_t>(element_count(tensor.shape).value());
      ASSERT_EQ(count * item_size(tensor.dtype), tensor.bytes.size());
    }
    ASSERT_EQ(size, 15u);
  });
  EXPECT_GE(loaded, 15u * 8);  // the data itself can be anything
}

TEST(DamagedSafetensors, WithAChecksumEveryFlipIsRefusedOrChangesNoTensor) {
  const auto good_bytes = small_file(Checksum::kAdd);
  const auto good = load_safetensors(good_bytes);
  ASSERT_TRUE(good);
  for_each_flip(good_bytes, [&](const std::string& bytes, std::size_t byte) {
    if (const auto file = load_safetensors(bytes)) expect_same_tensors(*file, *good, byte);
    // Where the checksum is required, not one flip passes: its own name is part of what is asked
    // for.
    ASSERT_FALSE(load_safetensors(bytes, Verify::kRequire)) << byte;
  });
}

TEST(DamagedGguf, EveryTruncationIsRefused) {
  for (const auto* name : {"ok_tokenizer.gguf", "F13_ok.gguf", "ok_alignment_64.gguf"}) {
    const auto bytes = read_file(testing::corpus_path("gguf", name));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string prefix = bytes.substr(0, size);
      ASSERT_FALSE(load_gguf(prefix)) << name << " " << size;
    }
    ASSERT_TRUE(load_gguf(bytes));
  }
}

TEST(DamagedGguf, EveryFlipIsRefusedOrStaysInBounds) {
  for (const auto* name : {"ok_tokenizer.gguf", "F13_ok.gguf", "ok_alignment_64.gguf"}) {
    std::size_t loaded = 0;
    for_each_flip(read_file(testing::corpus_path("gguf", name)),
                  [&](const std::string& bytes, std::size_t) {
                    const auto file = load_gguf(bytes);
                    if (!file) return;
                    ++loaded;
                    touch(*file);
                  });
    EXPECT_GE(loaded, 32u * 8);
  }
}

}  // namespace
}  // namespace hone
