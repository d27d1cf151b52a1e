#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>
#include <hone/format/gguf.h>
#include <hone/format/gguf_writer.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "format/corpus.h"

namespace hone {
namespace {

using testing::case_files;
using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using Shape = std::vector<std::int64_t>;

std::filesystem::path reference_path() {
  return testing::fixture_path("format/containers/reference.gguf");
}

std::vector<float> floats_of(const GgufTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  dequantize(tensor.type, tensor.bytes, values);
  return values;
}

TEST(Gguf, ReadsTheControl) {
  for (const auto& path : case_files("gguf", "F13_ok.gguf")) {
    const GgufFile file(path);
    EXPECT_EQ(file.version(), 3u);
    EXPECT_EQ(file.get_string("general.architecture"), "llama");
    EXPECT_EQ(floats_of(file.tensor("t")), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  }
}

// Written by the Python package gguf; see make_container_fixtures.py.
TEST(Gguf, ReadsWhatTheReferenceWrote) {
  const GgufFile file(reference_path());
  EXPECT_EQ(file.get_string("general.architecture"), "llama");
  EXPECT_EQ(file.get_u32("llama.block_count"), 2u);
  EXPECT_EQ(file.get_float("llama.rope.freq_base"), 10000.0);
  EXPECT_EQ(file.get_bool("tokenizer.ggml.add_bos_token"), false);
  EXPECT_EQ(file.get_int("minus"), -3);
  EXPECT_EQ(file.get_int("large"), std::int64_t{1} << 40);
  EXPECT_EQ(file.get_strings("tokenizer.ggml.tokens"), (std::vector<std::string_view>{"<s>",
                                                                                      "\xc4\xa0"
                                                                                      "a",
                                                                                      "b"}));
  EXPECT_EQ(file.get_ints("tokenizer.ggml.token_type"), (std::vector<std::int64_t>{3, 1, 1}));
  EXPECT_EQ(file.get_floats("tokenizer.ggml.scores"), (std::vector<float>{0, -1.5f, -2.5f}));
  EXPECT_EQ(file.tensor("token_embd.weight").shape, (Shape{4, 3}));
  EXPECT_EQ(floats_of(file.tensor("token_embd.weight"))[11], 11.0f);
  EXPECT_EQ(floats_of(file.tensor("half.weight")), (std::vector<float>{0.5f, -1, 3}));
  EXPECT_EQ(file.tensor("packed.weight").type, GgmlType::Q8_0);
  EXPECT_EQ(file.tensor("packed.weight").shape, (Shape{32, 2}));
  EXPECT_NEAR(floats_of(file.tensor("packed.weight"))[63], 1.0f,
              1e-3);  // half-precision scale of 8 bits
}

TEST(GgufWriter, EqualsTheReferenceByteForByte) {
  const GgufFile reference(reference_path());
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_u32("llama.block_count", 2);
  writer.add_f32("llama.rope.freq_base", 10000.0f);
  writer.add_bool("tokenizer.ggml.add_bos_token", false);
  writer.add_i32("minus", -3);
  writer.add_u64("large", std::uint64_t{1} << 40);
  writer.add_strings("tokenizer.ggml.tokens", std::vector<std::string>{"<s>",
                                                                       "\xc4\xa0"
                                                                       "a",
                                                                       "b"});
  writer.add_i32s("tokenizer.ggml.token_type", std::vector<std::int32_t>{3, 1, 1});
  writer.add_f32s("tokenizer.ggml.scores", std::vector<float>{0, -1.5f, -2.5f});
  for (const auto& tensor : reference.tensors())
    writer.add_tensor(tensor.name, tensor.type, tensor.shape, tensor.bytes);
  const TemporaryFolder folder;
  writer.write(folder / "ours.gguf");
  EXPECT_EQ(read_file(folder / "ours.gguf"), read_file(reference_path()));
}

TEST(GgufWriter, CopiesEveryValueAsItIs) {
  for (const auto& path : {reference_path(), testing::corpus_path("gguf", "ok_tokenizer.gguf")}) {
    const GgufFile file(path);
    GgufWriter writer;
    for (const auto& [key, value] : file.metadata()) writer.add_value(key, value);
    for (const auto& tensor : file.tensors())
      writer.add_tensor(tensor.name, tensor.type, tensor.shape, tensor.bytes);
    const TemporaryFolder folder;
    writer.write(folder / "copy.gguf");
    // Our small files leave out the padding after the last tensor.
    EXPECT_TRUE(read_file(folder / "copy.gguf").starts_with(read_file(path)));
  }
}

TEST(GgufWriter, OtherAlignmentAndRefusals) {
  const TemporaryFolder folder;
  GgufWriter writer(64);
  writer.add_tensor("a", GgmlType::F32, {1}, "1234");
  writer.add_tensor("b", GgmlType::F32, {}, "5678");
  writer.write(folder / "a.gguf");
  const GgufFile file(folder / "a.gguf");
  EXPECT_EQ(file.alignment(), 64u);
  EXPECT_EQ(file.tensor("b").bytes, "5678");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.tensor("b").bytes.data()) % 64, 0u);

  EXPECT_TRUE(contains(error_of([] { GgufWriter bad(24); }), "must be a power of two"));
  EXPECT_TRUE(
      contains(error_of([&] { writer.add_u32("general.alignment", 1); }), "is added twice"));
  EXPECT_TRUE(contains(error_of([&] { writer.add_tensor("a", GgmlType::F32, {1}, "1234"); }),
                       "is added twice"));
  EXPECT_TRUE(contains(error_of([&] { writer.add_tensor("c", GgmlType::F32, {2}, "1234"); }),
                       "does not fit 4 bytes"));
  EXPECT_TRUE(contains(error_of([&] { writer.add_tensor("c", GgmlType::Q8_0, {16}, ""); }),
                       "does not fit"));
  EXPECT_TRUE(contains(error_of([&] {
                         writer.add_tensor("c", GgmlType::F32, {1, 1, 1, 1, 1}, "1234");
                       }),
                       "4 dim"));
}

TEST(Gguf, TheCorpusLoadsOrIsRefusedAsNamed) {
  for (const auto& path : testing::corpus_files("gguf")) {
    const auto message = error_of([&] { GgufFile file(path); });
    if (testing::must_load(path)) {
      EXPECT_EQ(message, "") << path;
    } else {
      EXPECT_TRUE(message.starts_with(path.string() + ": ")) << path << ": " << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << path;
    }
  }
}

TEST(Gguf, RefusalsNameTheirReason) {
  const std::map<std::string, std::string> cases = {
      {"F13_bad_magic", "must start with GGUF"},
      {"F13_version_99", "version must be 2 or 3, got 99"},
      {"F14_kv_count_2_60", "metadata count 1152921504606846976 cannot fit"},
      {"F14_tensor_count_2_63", "tensor count 9223372036854775808 cannot fit"},
      {"F15_string_len_max", "18446744073709551615 bytes expected"},
      {"F16_type_99", "tensor \"t\": unknown type 99"},
      {"F17_offset_past_eof", "tensor \"t\": "},
      {"F18_ndims_5", "tensor \"t\": at most 4 dimensions are allowed, got 5"},
      {"F19_dims_overflow", "tensor \"t\": shape ["},
      {"F20_alignment_0", "\"general.alignment\": must be a power of two from 8 to 1048576, got 0"},
      {"F20_alignment_2_31", "must be a power of two from 8 to 1048576, got 2147483648"},
      {"F21_duplicate_tensor", "tensor \"t\" appears twice"},
      {"F22_array_count_huge", "1099511627776 cannot fit"},
  };
  for (const auto& [name, part] : cases) {
    for (const auto& path : case_files("gguf", name + ".gguf")) {
      const auto message = error_of([&] { GgufFile file(path); });
      EXPECT_TRUE(contains(message, part)) << message;
    }
  }
  const std::map<std::string, std::string> others = {
      {"big_endian", "big-endian GGUF is not supported"},
      {"duplicate_key", "key \"general.architecture\" appears twice"},
      {"overlap", "tensor \"u\" overlaps tensor \"t\""},
      {"unaligned_offset", "offset 4 must be a multiple of the alignment, 32"},
      {"iq4_xs", "type IQ4_XS (23) is not supported"},
      {"row_no_block", "rows of Q8_0 must be a multiple of 32 elements, shape is [33]"},
      {"value_type_77", "key \"k\": unknown value type 77"},
      {"array_of_arrays", "arrays of arrays"},
      {"bool_2", "a bool must be 0 or 1, got 2"},
      {"truncated_data", "tensor \"t\": 32 bytes at offset 0 expected, the data ends at 31"},
      {"alignment_string", "must be u32, got string"},
  };
  for (const auto& [name, part] : others) {
    const auto path = testing::corpus_path("gguf", name + ".gguf");
    EXPECT_TRUE(contains(error_of([&] { GgufFile file(path); }), part)) << name;
  }
}

TEST(GgufValues, MissingAndWrongTypesAreNamed) {
  const GgufFile file(reference_path());
  const auto place = reference_path().string();
  EXPECT_EQ(error_of([&] { file.get_u32("none"); }), place + ": has no key \"none\"");
  EXPECT_EQ(error_of([&] { file.tensor("none"); }), place + ": has no tensor \"none\"");
  EXPECT_EQ(error_of([&] { file.get_string("minus"); }),
            place + ": key \"minus\" must be a string, got i32");
  EXPECT_EQ(error_of([&] { file.get_u32("minus"); }),
            place + ": key \"minus\" must be from 0 to 2^32 - 1, got -3");
  EXPECT_TRUE(contains(error_of([&] { file.get_u32("large"); }), "must be from 0 to 2^32 - 1"));
  EXPECT_TRUE(contains(error_of([&] { file.get_int("general.architecture"); }),
                       "must be an integer, got string"));
  EXPECT_TRUE(contains(error_of([&] { file.get_float("minus"); }), "must be a float, got i32"));
  EXPECT_TRUE(contains(error_of([&] { file.get_bool("minus"); }), "must be a bool"));
  EXPECT_TRUE(contains(error_of([&] { file.get_strings("tokenizer.ggml.scores"); }),
                       "must be an array of strings, got an array of f32"));
  EXPECT_TRUE(contains(error_of([&] { file.get_ints("tokenizer.ggml.tokens"); }),
                       "got an array of string"));
  EXPECT_TRUE(
      contains(error_of([&] { file.get_floats("minus"); }), "must be an array of f32, got i32"));
  EXPECT_EQ(file.find_string("none"), std::nullopt);
  EXPECT_EQ(file.find_int("none"), std::nullopt);
  EXPECT_EQ(file.find_u32("none"), std::nullopt);
  EXPECT_EQ(file.find_float("none"), std::nullopt);
  EXPECT_EQ(file.find_bool("none"), std::nullopt);
  EXPECT_EQ(file.find_strings("none"), std::nullopt);
  EXPECT_EQ(file.find_ints("none"), std::nullopt);
  EXPECT_EQ(file.find_floats("none"), std::nullopt);
}

TEST(Gguf, FiftyThousandTokens) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 50'000; ++i) tokens.push_back("token" + std::to_string(i));
  GgufWriter writer;
  writer.add_strings("tokens", tokens);
  const TemporaryFolder folder;
  writer.write(folder / "a.gguf");
  const GgufFile file(folder / "a.gguf");
  const auto read = file.get_strings("tokens");
  ASSERT_EQ(read.size(), tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) ASSERT_EQ(read[i], tokens[i]);
}

}  // namespace
}  // namespace hone
