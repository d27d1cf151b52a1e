#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/zip_archive.h>

namespace hone {
namespace {

// Layouts of the format's own description (APPNOTE.TXT, 4.3), all little-endian.
constexpr std::uint32_t kEndOfDirectory = 0x06054b50, kZip64End = 0x06064b50,
                        kZip64Locator = 0x07064b50, kDirectoryEntry = 0x02014b50,
                        kLocalEntry = 0x04034b50;
constexpr std::size_t kEndSize = 22, kLocatorSize = 20, kZip64EndSize = 56, kEntrySize = 46,
                      kLocalSize = 30, kLongestComment = 0xffff;
constexpr std::uint64_t kInZip64 = 0xffffffff;  // the number stands in the extra field
constexpr std::uint16_t kZip64Extra = 1, kEncrypted = 1, kStored = 0;

template <typename T>
T number(std::string_view bytes, std::size_t at) {
  T value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Where the directory lies, and how many entries it has.
struct Directory {
  std::uint64_t offset = 0, size = 0, count = 0;
};

/// The end record, searched from the back: a comment may stand behind it.
std::size_t find_end(std::string_view bytes, const std::string& place) {
  const auto first =
      bytes.size() > kEndSize + kLongestComment ? bytes.size() - kEndSize - kLongestComment : 0;
  for (auto at = bytes.size() < kEndSize ? 0 : bytes.size() - kEndSize + 1; at-- > first;) {
    if (number<std::uint32_t>(bytes, at) == kEndOfDirectory) return at;
  }
  fail(place, ": is no zip archive, or cut short");
}

Directory find_directory(std::string_view bytes, const std::string& place) {
  const auto end = find_end(bytes, place);
  Directory directory{.offset = number<std::uint32_t>(bytes, end + 16),
                      .size = number<std::uint32_t>(bytes, end + 12),
                      .count = number<std::uint16_t>(bytes, end + 10)};
  if (end < kLocatorSize || number<std::uint32_t>(bytes, end - kLocatorSize) != kZip64Locator)
    return directory;
  const auto at = number<std::uint64_t>(bytes, end - kLocatorSize + 8);
  if (at > bytes.size() || bytes.size() - at < kZip64EndSize ||
      number<std::uint32_t>(bytes, at) != kZip64End)
    fail(place, ": its zip64 record is damaged");
  return {.offset = number<std::uint64_t>(bytes, at + 48),
          .size = number<std::uint64_t>(bytes, at + 40),
          .count = number<std::uint64_t>(bytes, at + 32)};
}

/// The three numbers of an entry that may stand in its extra field.
struct Extent {
  std::uint64_t size, stored_size, offset;
};

Extent read_zip64(std::string_view extra, Extent extent, const std::string& place) {
  while (extra.size() >= 4) {
    const auto kind = number<std::uint16_t>(extra, 0);
    const std::size_t size = number<std::uint16_t>(extra, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) fail(place, ": an extra field of its directory is cut short");
    auto field = extra.substr(0, size);
    extra.remove_prefix(size);
    if (kind != kZip64Extra) continue;
    for (auto* value : {&extent.size, &extent.stored_size, &extent.offset}) {
      if (*value != kInZip64) continue;
      if (field.size() < 8) fail(place, ": a zip64 field of its directory is cut short");
      *value = number<std::uint64_t>(field, 0);
      field.remove_prefix(8);
    }
  }
  return extent;
}

}  // namespace

ZipArchive::ZipArchive(std::string_view bytes, std::string place)
    : bytes_(bytes), place_(std::move(place)) {
  const auto found = find_directory(bytes, place_);
  if (found.offset > bytes.size() || found.size > bytes.size() - found.offset)
    fail(place_, ": its directory lies outside of the file");
  auto directory = bytes.substr(found.offset, found.size);
  // An entry takes kEntrySize bytes at least, so a count that is too large ends at the last byte.
  for (std::uint64_t i = 0; i < found.count; ++i) read_entry(directory);
}

void ZipArchive::read_entry(std::string_view& directory) {
  if (directory.size() < kEntrySize || number<std::uint32_t>(directory, 0) != kDirectoryEntry)
    fail(place_, ": its directory is damaged or cut short");
  const std::size_t name_size = number<std::uint16_t>(directory, 28);
  const std::size_t extra_size = number<std::uint16_t>(directory, 30);
  const std::size_t whole =
      kEntrySize + name_size + extra_size + number<std::uint16_t>(directory, 32);
  if (directory.size() < whole) fail(place_, ": its directory is cut short");
  const std::string name(directory.substr(kEntrySize, name_size));
  if (find_invalid_utf8(name)) fail(place_, ": the name of an entry is not UTF-8");
  const auto extent = read_zip64(directory.substr(kEntrySize + name_size, extra_size),
                                 {.size = number<std::uint32_t>(directory, 24),
                                  .stored_size = number<std::uint32_t>(directory, 20),
                                  .offset = number<std::uint32_t>(directory, 42)},
                                 place_);
  const auto flags = number<std::uint16_t>(directory, 8);
  const auto method = number<std::uint16_t>(directory, 10);
  directory.remove_prefix(whole);
  if ((flags & kEncrypted) != 0 || method != kStored || extent.size != extent.stored_size)
    fail(place_, ": entry ", quote(name), " is compressed or encrypted");
  if (extent.offset > bytes_.size() || bytes_.size() - extent.offset < kLocalSize ||
      number<std::uint32_t>(bytes_, extent.offset) != kLocalEntry)
    fail(place_, ": entry ", quote(name), " is not where the directory says");
  const auto begin = extent.offset + kLocalSize +
                     number<std::uint16_t>(bytes_, extent.offset + 26) +
                     number<std::uint16_t>(bytes_, extent.offset + 28);
  if (begin > bytes_.size() || extent.size > bytes_.size() - begin)
    fail(place_, ": entry ", quote(name), " needs ", extent.size, " bytes, ",
         begin > bytes_.size() ? 0 : bytes_.size() - begin, " are left in the file");
  if (!entries_.emplace(name, bytes_.substr(begin, extent.size)).second)
    fail(place_, ": entry ", quote(name), " comes twice");
}

}  // namespace hone
