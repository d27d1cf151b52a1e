#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <hone/base/files.h>
#include <hone/format/torch_file.h>

#include "base/error_of.h"
#include "corpus.h"

namespace hone {
namespace {

using testing::corpus_path;
using testing::error_of;

TorchFile from(const std::string& bytes) {
  return TorchFile::from_bytes(bytes, nullptr, "model.bin");
}

TEST(TorchFile, ReadsWindowsIntoStorages) {
  for (const char* name : {"ok_protocol_2.bin", "ok_protocol_5.bin", "ok_ordered.bin"}) {
    const TorchFile file(corpus_path("torch", name));
    ASSERT_EQ(file.tensors().size(), 3u) << name;
    const auto& a = file.tensors().at("a");
    EXPECT_EQ(a.view.dtype, DType::F32);
    EXPECT_EQ(a.view.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(a.strides, (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(a.view.bytes.size(), 24u);
    const auto& b = file.tensors().at("b");  // elements 2 and 4 of the same storage
    EXPECT_EQ(b.view.bytes.data(), a.view.bytes.data() + 8);
    EXPECT_EQ(b.strides, (std::vector<std::int64_t>{2}));
  }
}

TEST(TorchFile, TheCorpusLoadsOrIsRefusedAsNamed) {
  for (const auto& path : testing::corpus_files("torch")) {
    const auto message = error_of([&] { TorchFile file(path); });
    if (testing::must_load(path)) {
      EXPECT_EQ(message, "") << path;
    } else {
      EXPECT_TRUE(message.starts_with(path.string() + ": ")) << path << ": " << message;
    }
  }
}

TEST(TorchFile, RefusalsNameTheirReason) {
  const auto message = [](const char* name) {
    return error_of([&] { TorchFile file(corpus_path("torch", name)); });
  };
  const auto has = [&](const char* name, const char* part) {
    EXPECT_NE(message(name).find(part), std::string::npos) << message(name);
  };
  has("system.bin", "refused to call \"os.system\"");
  has("nested.bin", "save the state_dict() alone");
  has("outside.bin", "tensor \"a\" of shape [2, 4] reaches outside of its storage of 6");
  has("missing_storage.bin", "the storage of tensor \"a\" is missing");
  has("compressed.bin", "is compressed");
  has("old.bin", "torch before 1.6");
  has("big_endian.bin", "big-endian");
  has("complex.bin", "\"ComplexFloatStorage\", which is not supported");
}

TEST(TorchFile, EveryTruncationIsRefused) {
  const auto bytes = read_file(corpus_path("torch", "ok_ordered.bin"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(error_of([&] { from(bytes.substr(0, size)); }), "") << size;
}

TEST(TorchFile, EveryFlipIsRefusedOrStaysInBounds) {
  const auto bytes = read_file(corpus_path("torch", "ok_ordered.bin"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x10, 0x80}) {
      auto changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      error_of([&] {
        const auto file = from(changed);
        const std::string_view whole = changed;
        for (const auto& [name, tensor] : file.tensors()) {
          EXPECT_GE(tensor.view.bytes.data(), whole.data()) << at;
          EXPECT_LE(tensor.view.bytes.data() + tensor.view.bytes.size(),
                    whole.data() + whole.size())
              << at;
        }
      });
    }
  }
}

}  // namespace
}  // namespace hone
