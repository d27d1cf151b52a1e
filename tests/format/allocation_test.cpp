// No allocation larger than the file: a program of its own, because it replaces operator new for
// the whole process.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/format/gguf.h>
#include <hone/format/safetensors.h>

#include "format/corpus.h"

namespace {

std::atomic<std::size_t> largest{0};

void* allocate(std::size_t size) {
  if (size > largest) largest = size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace hone {
namespace {

// Messages and the first blocks of tables take this much whatever the file holds.
constexpr std::size_t kFloor = 2048;

/// The largest single allocation while `bytes` are read, loaded or refused.
template <typename File>
std::size_t largest_for(const std::string& bytes) {
  largest = 0;
  try {
    File::from_bytes(bytes, nullptr, "x");
  } catch (const Error&) {
  }
  return largest;
}

template <typename File>
void expect_small(const std::string& bytes, const std::string& what) {
  EXPECT_LE(largest_for<File>(bytes), std::max(bytes.size(), kFloor)) << what;
}

/// Each corpus file, its prefixes, and its first 200 bytes changed to 0xff one by one: huge counts
/// and lengths.
template <typename File>
void check_corpus(const std::string& target) {
  for (const auto& path : testing::corpus_files(target)) {
    const auto bytes = read_file(path);
    expect_small<File>(bytes, path.string());
    for (std::size_t at = 0; at < std::min<std::size_t>(bytes.size(), 200); ++at) {
      auto changed = bytes;
      changed[at] = '\xff';
      expect_small<File>(changed, path.string());
      expect_small<File>(bytes.substr(0, at), path.string());
    }
  }
}

TEST(Allocation, TheCounterCounts) {
  largest = 0;
  const std::string text(5000, 'x');
  EXPECT_GE(largest, 5000u);
}

TEST(Allocation, SafetensorsStaysBelowTheFile) {
  check_corpus<SafetensorsFile>("safetensors");
}

TEST(Allocation, GgufStaysBelowTheFile) {
  check_corpus<GgufFile>("gguf");
}

}  // namespace
}  // namespace hone
