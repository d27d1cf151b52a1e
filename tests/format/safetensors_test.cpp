#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>
#include <hone/format/safetensors.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "format/corpus.h"

namespace hone {
namespace {

using testing::case_files;
using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using Metadata = std::map<std::string, std::string>;

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
std::vector<T> values_of(const TensorView& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TEST(Safetensors, ReadsShapesTypesAndValues) {
  for (const auto& path : case_files("safetensors", "F00_ok.safetensors")) {
    const SafetensorsFile file(path);
    ASSERT_EQ(file.tensors().size(), 2u);
    EXPECT_EQ(file.at("a").shape, std::vector<std::int64_t>{2});
    EXPECT_EQ(file.at("b").dtype, DType::F32);
    EXPECT_EQ(file.at("b").bytes.size(), 4u);
    EXPECT_EQ(file.find("c"), nullptr);
    EXPECT_EQ(error_of([&] { file.at("c"); }), path.string() + ": has no tensor \"c\"");
  }
  const SafetensorsFile ours(testing::corpus_path("safetensors", "F00_ok.safetensors"));
  EXPECT_EQ(values_of<float>(ours.at("a")), (std::vector<float>{1, -2}));
}

TEST(Safetensors, ZeroSizeTensorsAreAccepted) {
  const TemporaryFolder folder;
  for (const auto& path : case_files("safetensors", "F05_zero_size_ok.safetensors")) {
    const SafetensorsFile file(path);
    EXPECT_EQ(file.at("e").shape, (std::vector<std::int64_t>{0, 4}));
    EXPECT_EQ(values_of<float>(file.at("a")), std::vector<float>{7});
    write_safetensors(folder / "again", file.tensors());
    const SafetensorsFile again(folder / "again");
    EXPECT_EQ(again.at("e").shape, (std::vector<std::int64_t>{0, 4}));
    EXPECT_EQ(values_of<float>(again.at("a")), std::vector<float>{7});
  }
}

TEST(Safetensors, TheCorpusLoadsOrIsRefusedAsNamed) {
  for (const auto& path : testing::corpus_files("safetensors")) {
    const auto message = error_of([&] { SafetensorsFile file(path); });
    if (testing::must_load(path)) {
      EXPECT_EQ(message, "") << path;
    } else {
      EXPECT_TRUE(message.starts_with(path.string() + ": ")) << path << ": " << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << path;
    }
  }
}

// What each refusal must name; the shared cases hold other values under the same names.
TEST(Safetensors, RefusalsNameTensorAndReason) {
  const std::map<std::string, std::vector<std::string>> cases = {
      {"F01_truncated", {"tensor \"b\"", "needs 4 bytes", "found"}},
      {"F02_overlap", {"tensor \"b\"", "overlaps"}},
      {"F03_header_len_max", {"header of 18446744073709551615 bytes"}},
      {"F04_header_len_100MB1", {"header of 100000001 bytes", "100000000"}},
      {"F06_duplicate_name", {"\"a\" appears twice"}},
      {"F07_unknown_dtype", {"tensor \"a\"", "\"F12\""}},
      {"F08_shape_mismatch", {"tensor \"a\"", "[1000, 1000] needs 4000000 bytes", "span 4"}},
      {"F09_trailing_bytes", {"4 bytes after the last tensor"}},
      {"F10_bad_first_byte", {"must start with {"}},
      {"F11_product_overflow", {"tensor \"a\"", "[4294967296, 4294967296] overflows"}},
  };
  for (const auto& [name, parts] : cases) {
    for (const auto& path : case_files("safetensors", name + ".safetensors")) {
      const auto message = error_of([&] { SafetensorsFile file(path); });
      for (const auto& part : parts)
        EXPECT_TRUE(contains(message, part)) << message << " lacks " << part;
    }
  }
}

TEST(Safetensors, OtherRefusalsNameTheirReason) {
  const std::map<std::string, std::string> cases = {
      {"hole", "tensor \"b\": must start at byte 4 of the data, leaves a hole up to 8"},
      {"backwards", "data_offsets [4, 0] run backwards"},
      {"float8", "tensor \"a\": dtype F8_E4M3 is not supported"},
      {"negative_size", "tensor \"a\": shape must hold integers from 0, got a negative number"},
      {"float_size", "shape must hold integers from 0, got a number that is no 63-bit integer"},
      {"huge_size", "shape must hold integers from 0, got a number over 2^63 - 1"},
      {"overflow_behind_zero", "overflows"},
      {"three_offsets", "data_offsets must be two numbers, got 3"},
      {"no_dtype", "tensor \"a\": has no dtype"},
      {"no_shape", "tensor \"a\": has no shape"},
      {"unknown_key", "tensor \"a\": unknown key \"x\""},
      {"duplicate_key", "tensor \"a\": key \"dtype\" appears twice"},
      {"duplicate_metadata", "__metadata__: key \"k\" appears twice"},
      {"metadata_number", "__metadata__: \"k\" must be a string, got a number"},
      {"tensor_null", "\"a\" must be an object, got null"},
      {"nested", "tensor \"a\": unknown key \"a\""},
      {"zero_byte", "zero byte"},
      {"not_utf8", "not UTF-8: bad byte 3"},
      {"bad_checksum", "damaged: its checksum says \"0123456789abcdef\""},
      {"short_checksum", "is not written as hone writes it"},
      {"empty", "needs at least 8 bytes, has 0"},
  };
  for (const auto& [name, part] : cases) {
    const auto path = testing::corpus_path("safetensors", name + ".safetensors");
    const auto message = error_of([&] { SafetensorsFile file(path); });
    EXPECT_TRUE(contains(message, part)) << name << ": " << message;
  }
}

/// The tensors of make_container_fixtures.py.
struct Reference {
  std::vector<float> zeta = {0, 1, 2, 3, 4, 5};
  std::vector<float> alpha = {-1.5f};
  std::string flags = {1, 0, 1};
  std::vector<std::uint16_t> half = {0x3800, 0x4000};
  std::vector<std::uint16_t> brain = {0x3f80, 0xc000};
  std::string bytes = {1, 2, 3};
  std::string minus_one = "\xff";
  std::vector<std::int16_t> small = {-300};
  std::vector<std::int64_t> large = {std::int64_t{1} << 40, -1};
  std::vector<std::int32_t> seven = {7};
  std::vector<double> tenth = {0.1};
  std::vector<double> one = {1.0};

  std::vector<TensorView> views() const {
    return {{"zeta", DType::F32, {2, 3}, bytes_of(zeta)},
            {"alpha", DType::F32, {1}, bytes_of(alpha)},
            {"flags", DType::BOOL, {3}, flags},
            {"half", DType::F16, {2}, bytes_of(half)},
            {"bytes", DType::U8, {3}, bytes},
            {"signed", DType::I8, {1}, minus_one},
            {"short", DType::I16, {1}, bytes_of(small)},
            {"long", DType::I64, {2}, bytes_of(large)},
            {"int", DType::I32, {1, 1}, bytes_of(seven)},
            {"double", DType::F64, {}, bytes_of(tenth)},
            {"empty", DType::F32, {0, 4}, ""},
            {"brain", DType::BF16, {2}, bytes_of(brain)},
            {"we\"ird \xc3\xa9\\", DType::F64, {1}, bytes_of(one)}};
  }
};

TEST(WriteSafetensors, EqualsTheReferenceByteForByte) {
  const TemporaryFolder folder;
  const Reference reference;
  write_safetensors(folder / "ours", reference.views(), {{"format", "pt"}});
  EXPECT_EQ(read_file(folder / "ours"),
            read_file(testing::fixture_path("format/containers/reference.safetensors")));
}

TEST(WriteSafetensors, RoundTripsWithAlignedData) {
  const TemporaryFolder folder;
  const Reference reference;
  const Metadata metadata = {
      {"format", "pt"}, {"note", "line\nend \"quoted\" \xc3\xa9 \x01"}, {"", ""}};
  write_safetensors(folder / "a", reference.views(), metadata, Checksum::kAdd);
  const SafetensorsFile file(folder / "a", Verify::kRequire);
  for (const auto& view : reference.views()) {
    const auto& tensor = file.at(view.name);
    EXPECT_EQ(tensor.dtype, view.dtype);
    EXPECT_EQ(tensor.shape, view.shape);
    EXPECT_EQ(tensor.bytes, view.bytes);
    EXPECT_TRUE(is_aligned(tensor)) << view.name;
  }
  auto read = file.metadata();
  EXPECT_EQ(read.erase(std::string(kChecksumKey)), 1u);
  EXPECT_EQ(read, metadata);
}

TEST(WriteSafetensors, OverTheMappedFileItself) {
  const TemporaryFolder folder;
  const Reference reference;
  const auto path = folder / "x.safetensors";
  write_safetensors(path, reference.views(), {{"step", "1"}});
  const SafetensorsFile file(path);
  auto metadata = file.metadata();
  metadata["step"] = "2, and more bytes than before";
  write_safetensors(path, file.tensors(), metadata);
  const SafetensorsFile after(path);
  EXPECT_EQ(after.metadata(), metadata);
  for (const auto& view : reference.views()) {
    EXPECT_EQ(after.at(view.name).bytes, view.bytes);
    EXPECT_EQ(file.at(view.name).bytes, view.bytes);  // the old map still holds
  }
}

TEST(WriteSafetensors, RefusesWhatCannotBeWritten) {
  const TemporaryFolder folder;
  const std::vector<float> two = {1, 2};
  const TensorView good{"a", DType::F32, {2}, bytes_of(two)};
  const auto refusal = [&](std::vector<TensorView> tensors, const Metadata& metadata = {}) {
    return error_of([&] { write_safetensors(folder / "a", tensors, metadata); });
  };
  const auto place = (folder / "a").string();
  EXPECT_EQ(refusal({good, good}), place + ": tensor name \"a\" appears twice");
  EXPECT_EQ(refusal({{"a", DType::F32, {3}, bytes_of(two)}}),
            place + ": tensor \"a\": F32 of shape [3] does not fit its 8 bytes");
  EXPECT_TRUE(contains(refusal({{"__metadata__", DType::F32, {2}, bytes_of(two)}}),
                       "cannot be named __metadata__"));
  EXPECT_TRUE(contains(refusal({{"\xff", DType::F32, {2}, bytes_of(two)}}), "must be UTF-8"));
  EXPECT_TRUE(contains(refusal({good}, {{"k", "\xff"}}), "must be UTF-8"));
  EXPECT_EQ(folder.size(), 0);
}

TEST(SafetensorsChecksum, RequireSkipAndStale) {
  const TemporaryFolder folder;
  const Reference reference;
  write_safetensors(folder / "plain", reference.views(), {{"k", "v"}});
  EXPECT_EQ(error_of([&] { SafetensorsFile(folder / "plain", Verify::kRequire); }),
            (folder / "plain").string() + ": has no checksum (metadata hone.xxh3)");
  // A name that looks like the key and comes before it must not be taken for it.
  write_safetensors(folder / "a", reference.views(),
                    {{"a\"hone.xxh3", "0"}, {"hone.xxh2", ",\"hone.xxh3\":\""}}, Checksum::kAdd);
  const SafetensorsFile file(folder / "a", Verify::kRequire);
  // Written again without a checksum, the old one must go.
  write_safetensors(folder / "b", file.tensors(), file.metadata());
  EXPECT_FALSE(SafetensorsFile(folder / "b").metadata().contains(std::string(kChecksumKey)));

  auto bytes = read_file(folder / "a");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(folder / "damaged", bytes);
  EXPECT_TRUE(contains(error_of([&] { SafetensorsFile(folder / "damaged"); }),
                       "damaged: its checksum says"));
  EXPECT_EQ(SafetensorsFile(folder / "damaged", Verify::kSkip).tensors().size(),
            reference.views().size());
}

TEST(Safetensors, OwnerKeepsTheBytes) {
  const TemporaryFolder folder;
  const Reference reference;
  write_safetensors(folder / "a", reference.views());
  std::shared_ptr<const void> owner;
  TensorView zeta;
  {
    const SafetensorsFile file(folder / "a");
    owner = file.owner();
    zeta = file.at("zeta");
  }
  EXPECT_EQ(values_of<float>(zeta), reference.zeta);
}

}  // namespace
}  // namespace hone
