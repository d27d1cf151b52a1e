#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>
#include <hone/format/safetensors_folder.h>

#include "base/error_of.h"
#include "base/temporary_folder.h"
#include "shared_data.h"

namespace hone {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

constexpr std::string_view kFour = "1234";
constexpr std::string_view kOther = "5678";

void write_one(const std::filesystem::path& path, const std::string& name, std::string_view bytes) {
  const std::vector<TensorView> tensors = {{name, DType::U8, {4}, bytes}};
  write_safetensors(path, tensors);
}

void write_index(const TemporaryFolder& folder, const std::string& weight_map) {
  write_file(folder / "model.safetensors.index.json",
             "{\"metadata\":{},\"weight_map\":" + weight_map + "}");
}

TEST(SafetensorsFolder, OneFile) {
  const TemporaryFolder folder;
  write_one(folder / "model.safetensors", "a", kFour);
  const SafetensorsFolder tensors(folder.path());
  EXPECT_EQ(tensors.at("a").tensor->bytes, kFour);
  EXPECT_EQ(tensors.find("b").tensor, nullptr);
  EXPECT_EQ(error_of([&] { tensors.at("b"); }), folder.path().string() + ": has no tensor \"b\"");
}

TEST(SafetensorsFolder, ShardsAreOneSet) {
  const TemporaryFolder folder;
  write_one(folder / "one.safetensors", "a", kFour);
  std::filesystem::create_directory(folder / "sub");
  const std::vector<TensorView> two = {{"b", DType::U8, {4}, kOther},
                                       {"unlisted", DType::U8, {4}, kFour}};
  write_safetensors(folder.path() / "sub" / "two.safetensors", two);
  write_index(folder, R"({"a":"one.safetensors","b":"sub/two.safetensors"})");
  SafetensorsFolder opened(folder.path());
  const SafetensorsFolder tensors = std::move(opened);
  EXPECT_EQ(tensors.files().size(), 2u);
  EXPECT_EQ(tensors.tensors().size(), 3u);
  EXPECT_EQ(tensors.at("a").tensor->bytes, kFour);
  EXPECT_EQ(tensors.at("b").tensor->bytes, kOther);
  EXPECT_EQ(tensors.at("b").file->path().filename(), "two.safetensors");
  EXPECT_EQ(tensors.at("unlisted").tensor->bytes, kFour);
}

TEST(SafetensorsFolder, TheIndexDecidesBetweenShards) {
  const TemporaryFolder folder;
  write_one(folder / "1", "a", kFour);
  const std::vector<TensorView> both = {{"a", DType::U8, {4}, kOther},
                                        {"b", DType::U8, {4}, kOther}};
  write_safetensors(folder / "2", both);
  write_index(folder, R"({"a":"1","b":"2"})");
  EXPECT_EQ(SafetensorsFolder(folder.path()).at("a").tensor->bytes, kFour);
  // Twice and listed nowhere: nobody can say which is meant.
  write_one(folder / "3", "b", kFour);
  write_one(folder / "4", "c", kFour);
  const std::vector<TensorView> more = {{"b", DType::U8, {4}, kFour}, {"c", DType::U8, {4}, kFour}};
  write_safetensors(folder / "3", more);
  const std::vector<TensorView> again = {{"c", DType::U8, {4}, kFour},
                                         {"d", DType::U8, {4}, kFour}};
  write_safetensors(folder / "4", again);
  write_index(folder, R"({"b":"3","d":"4"})");
  EXPECT_TRUE(
      contains(error_of([&] { SafetensorsFolder(folder.path()); }), "tensor \"c\" lies in 3 too"));
}

TEST(SafetensorsFolder, MissingShardIsNamedBeforeAnyIsOpened) {
  const TemporaryFolder folder;
  write_file(folder / "model-00001-of-00002.safetensors", "not even a safetensors file");
  write_index(folder,
              R"({"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"})");
  const auto message = error_of([&] { SafetensorsFolder(folder.path()); });
  EXPECT_TRUE(
      message.starts_with((folder / "model-00002-of-00002.safetensors").string() + ": missing"))
      << message;
}

TEST(SafetensorsFolder, SharedCaseOfAMissingShard) {
  const auto folder = testing::shared_path("cases/files/F12_shards");
  if (!folder) return;  // an equal case of our own is above
  const auto message = error_of([&] { SafetensorsFolder tensors(*folder); });
  EXPECT_TRUE(contains(message, "model-00002-of-00002.safetensors: missing")) << message;
}

TEST(SafetensorsFolder, RefusesAnIndexThatDoesNotHold) {
  const TemporaryFolder folder;
  write_one(folder / "1", "a", kFour);
  const auto refusal = [&](const std::string& weight_map) {
    write_index(folder, weight_map);
    return error_of([&] { SafetensorsFolder tensors(folder.path()); });
  };
  EXPECT_TRUE(contains(refusal(R"({"a":"1","b":"1"})"), "1: has no tensor \"b\", although"));
  for (const char* path : {"../1", "/etc/passwd", "sub/../../1", "", ".", ".."}) {
    const auto message = refusal(std::string(R"({"a":")") + path + "\"}");
    EXPECT_TRUE(contains(message, "is not inside the folder")) << path << ": " << message;
  }
  EXPECT_TRUE(contains(refusal(R"({"a":1})"), "tensor \"a\": must name a file, got number"));
  EXPECT_TRUE(contains(refusal("[]"), "weight_map must be an object, got array"));
  write_file(folder / "model.safetensors.index.json", "{}");
  EXPECT_TRUE(
      contains(error_of([&] { SafetensorsFolder tensors(folder.path()); }), "has no weight_map"));
}

TEST(SafetensorsFolder, NeitherFileNorIndex) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] {
              SafetensorsFolder tensors(folder.path(), Verify::kRequire, "adapter_model");
            }),
            folder.path().string() +
                ": has neither adapter_model.safetensors nor adapter_model.safetensors.index.json");
}

}  // namespace
}  // namespace hone
