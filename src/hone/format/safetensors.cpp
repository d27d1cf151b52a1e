#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/format/checksum.h>
#include <hone/format/safetensors.h>
#include <hone/format/safetensors_header.h>

namespace hone {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are used as they lie in the file");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kDigits = 16;

/// The bytes of the header, after its length was checked against the file.
std::string_view header_of(std::string_view bytes, const std::string& place) {
  if (bytes.size() < kLengthBytes) {
    fail(place, ": not a safetensors file: needs at least ", kLengthBytes, " bytes, has ",
         bytes.size());
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader) {
    fail(place, ": not a safetensors file: header of ", length, " bytes, the limit is ",
         kMaxSafetensorsHeader);
  }
  const auto rest = bytes.substr(kLengthBytes);
  if (length > rest.size()) {
    fail(place, ": truncated: header of ", length, " bytes expected, ", rest.size(), " found");
  }
  if (length == 0 || rest[0] != '{')
    fail(place, ": not a safetensors file: the header must start with {");
  return rest.substr(0, length);
}

void check_size(const SafetensorsEntry& entry, const std::string& place) {
  const auto tensor = [&] { return concat(place, ": tensor ", quote(entry.name), ": "); };
  const auto count = element_count(entry.shape);
  std::int64_t expected = 0;
  if (!count || __builtin_mul_overflow(*count, static_cast<std::int64_t>(item_size(entry.dtype)),
                                       &expected)) {
    fail(tensor(), "shape ", shape_text(entry.shape), " overflows: more than 2^63 - 1 bytes");
  }
  if (entry.begin > entry.end) {
    fail(tensor(), "data_offsets [", entry.begin, ", ", entry.end, "] run backwards");
  }
  const auto found = entry.end - entry.begin;
  if (found != static_cast<std::uint64_t>(expected)) {
    fail(tensor(), dtype_name(entry.dtype), " of shape ", shape_text(entry.shape), " needs ",
         expected, " bytes, its data_offsets span ", found);
  }
}

/// Sorts by position and requires that the tensors cover the data without hole or overlap.
void check_layout(std::vector<SafetensorsEntry>& entries,
                  std::uint64_t data_size,
                  const std::string& place) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t next = 0;
  for (const auto& entry : entries) {
    if (entry.begin != next) {
      fail(place, ": tensor ", quote(entry.name), ": must start at byte ", next, " of the data, ",
           entry.begin < next ? "overlaps the tensor before it at " : "leaves a hole up to ",
           entry.begin);
    }
    if (entry.end > data_size) {
      fail(place, ": truncated: tensor ", quote(entry.name), " needs ", entry.end - entry.begin,
           " bytes at ", entry.begin, " of the data, ", data_size - entry.begin, " found");
    }
    next = entry.end;
  }
  if (next != data_size) {
    fail(place, ": ", data_size - next, " bytes after the last tensor belong to none");
  }
}

}  // namespace

bool is_aligned(const TensorView& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % item_size(tensor.dtype) == 0;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, Verify verify) : path_(path) {
  const MappedFile file(path);
  owner_ = file.owner();
  parse(file.bytes(), verify);
}

SafetensorsFile SafetensorsFile::from_bytes(std::string_view bytes,
                                            std::shared_ptr<const void> owner,
                                            std::filesystem::path name,
                                            Verify verify) {
  SafetensorsFile file;
  file.path_ = std::move(name);
  file.owner_ = std::move(owner);
  file.parse(bytes, verify);
  return file;
}

void SafetensorsFile::parse(std::string_view bytes, Verify verify) {
  const std::string place = path_.string();
  const auto header_bytes = header_of(bytes, place);
  auto header = parse_safetensors_header(header_bytes, place);
  const auto data = bytes.substr(kLengthBytes + header_bytes.size());
  for (const auto& entry : header.entries) check_size(entry, place);
  check_layout(header.entries, data.size(), place);
  metadata_ = std::move(header.metadata);
  verify_checksum(header_bytes, data, verify);
  for (auto& entry : header.entries) {
    index_.emplace(entry.name, tensors_.size());
    tensors_.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                        data.substr(entry.begin, entry.end - entry.begin)});
  }
}

void SafetensorsFile::verify_checksum(std::string_view header,
                                      std::string_view data,
                                      Verify verify) const {
  if (verify == Verify::kSkip) return;
  const auto stored = metadata_.find(std::string(kChecksumKey));
  if (stored == metadata_.end()) {
    if (verify == Verify::kRequire)
      fail(path_.string(), ": has no checksum (metadata ", kChecksumKey, ")");
    return;
  }
  // The text `{"key":"` or `,"key":"` cannot begin inside a string of valid JSON, so this finds the
  // value itself.
  const std::string needle = concat('"', kChecksumKey, "\":\"");
  auto at = header.find(needle);
  while (at != std::string_view::npos && header[at - 1] != '{' && header[at - 1] != ',') {
    at = header.find(needle, at + 1);
  }
  if (at == std::string_view::npos || stored->second.size() != kDigits) {
    fail(path_.string(), ": its checksum (metadata ", kChecksumKey,
         ") is not written as hone writes it");
  }
  at += needle.size();
  Xxh3 hash;
  hash.update(header.substr(0, at));
  hash.update(std::string(kDigits, '0'));
  hash.update(header.substr(at + kDigits));
  hash.update(data);
  if (const auto found = hash.hex_digest(); found != stored->second) {
    fail(path_.string(), ": damaged: its checksum says ", quote(stored->second),
         ", its bytes give \"", found, "\" (or another program rewrote it)");
  }
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const TensorView& SafetensorsFile::at(std::string_view name) const {
  if (const auto* tensor = find(name)) return *tensor;
  fail(path_.string(), ": has no tensor ", quote(name));
}

}  // namespace hone
