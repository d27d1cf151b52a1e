#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/format/checksum.h>
#include <hone/format/safetensors.h>
#include <hone/format/safetensors_header.h>

namespace hone {
namespace {

constexpr std::size_t kAlignment = 8;
constexpr std::string_view kNoDigits = "0000000000000000";

void append_json_string(std::string& out, std::string_view text, const std::string& place) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (find_invalid_utf8(text)) fail(place, ": text must be UTF-8, got ", quote(text));
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// The tensors in the order of the file. Throws where one cannot be written.
std::vector<const TensorView*> sorted(std::span<const TensorView> tensors,
                                      const std::string& place) {
  std::vector<const TensorView*> order;
  for (const auto& tensor : tensors) {
    const auto count = element_count(tensor.shape);
    std::int64_t size = 0;
    if (!count ||
        __builtin_mul_overflow(*count, static_cast<std::int64_t>(item_size(tensor.dtype)), &size) ||
        static_cast<std::size_t>(size) != tensor.bytes.size()) {
      fail(place, ": tensor ", quote(tensor.name), ": ", dtype_name(tensor.dtype), " of shape ",
           shape_text(tensor.shape), " does not fit its ", tensor.bytes.size(), " bytes");
    }
    if (tensor.name == "__metadata__") fail(place, ": a tensor cannot be named __metadata__");
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(b->dtype, a->name) < std::tie(a->dtype, b->name);
  });
  std::vector<std::string_view> names;
  for (const auto* tensor : order) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(place, ": tensor name ", quote(*twice), " appears twice");
  return order;
}

void append_metadata(std::string& out,
                     const std::map<std::string, std::string>& metadata,
                     const std::string& place) {
  out += "\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (out.back() != '{') out += ',';
    append_json_string(out, key, place);
    out += ':';
    append_json_string(out, value, place);
  }
  out += '}';
}

std::string header_text(const std::vector<const TensorView*>& tensors,
                        const std::map<std::string, std::string>& metadata,
                        const std::string& place) {
  std::string header = "{";
  if (!metadata.empty()) append_metadata(header, metadata, place);
  std::uint64_t offset = 0;
  for (const auto* tensor : tensors) {
    if (header.size() > 1) header += ',';
    append_json_string(header, tensor->name, place);
    header += concat(":{\"dtype\":\"", dtype_name(tensor->dtype), "\",\"shape\":[");
    for (std::size_t i = 0; i < tensor->shape.size(); ++i) {
      header += concat(i == 0 ? "" : ",", tensor->shape[i]);
    }
    header += concat("],\"data_offsets\":[", offset, ',', offset + tensor->bytes.size(), "]}");
    offset += tensor->bytes.size();
  }
  header += '}';
  header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (header.size() > kMaxSafetensorsHeader) {
    fail(place, ": header of ", header.size(), " bytes, the format allows ", kMaxSafetensorsHeader);
  }
  return header;
}

/// Puts the checksum of header and data in the place of the zeros.
void fill_checksum(std::string& header, const std::vector<const TensorView*>& tensors) {
  Xxh3 hash;
  hash.update(header);
  for (const auto* tensor : tensors) hash.update(tensor->bytes);
  const std::string needle = concat('"', kChecksumKey, "\":\"");
  auto at = header.find(needle);
  while (header[at - 1] != '{' && header[at - 1] != ',') at = header.find(needle, at + 1);
  header.replace(at + needle.size(), kNoDigits.size(), hash.hex_digest());
}

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata,
                       Checksum checksum) {
  const std::string place = path.string();
  const auto order = sorted(tensors, place);
  auto strings = metadata;
  strings.erase(std::string(kChecksumKey));
  if (checksum == Checksum::kAdd) strings.emplace(kChecksumKey, kNoDigits);
  auto header = header_text(order, strings, place);
  if (checksum == Checksum::kAdd) fill_checksum(header, order);
  const std::uint64_t length = header.size();
  char prefix[sizeof(length)];
  std::memcpy(prefix, &length, sizeof(length));
  AtomicFile file(path);
  file.write({prefix, sizeof(prefix)});
  file.write(header);
  for (const auto* tensor : order) file.write(tensor->bytes);
  file.commit();
}

}  // namespace hone
