#include <bit>
#include <cstring>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/format/dtype.h>
#include <hone/format/gguf_writer.h>

namespace hone {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kDefaultAlignment = 32;

template <typename T>
void append(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void append_string(std::string& out, std::string_view text) {
  append<std::uint64_t>(out, text.size());
  out += text;
}

void append_type(std::string& out, GgufType type) {
  append(out, static_cast<std::uint32_t>(type));
}

std::size_t padding(std::uint64_t size, std::uint64_t alignment) {
  return static_cast<std::size_t>((alignment - size % alignment) % alignment);
}

}  // namespace

GgufWriter::GgufWriter(std::uint32_t alignment) : alignment_(alignment) {
  if (!std::has_single_bit(alignment) || alignment < 8 || alignment > 1 << 20) {
    fail("general.alignment must be a power of two from 8 to 1048576, got ", alignment);
  }
  if (alignment != kDefaultAlignment) add_u32("general.alignment", alignment);
}

void GgufWriter::start_value(std::string_view key, GgufType type) {
  if (!keys_.emplace(key).second) fail("GGUF key ", quote(key), " is added twice");
  ++count_;
  append_string(values_, key);
  append_type(values_, type);
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  start_value(key, GgufType::kString);
  append_string(values_, value);
}

void GgufWriter::add_u32(std::string_view key, std::uint32_t value) {
  start_value(key, GgufType::kU32);
  append(values_, value);
}

void GgufWriter::add_i32(std::string_view key, std::int32_t value) {
  start_value(key, GgufType::kI32);
  append(values_, value);
}

void GgufWriter::add_u64(std::string_view key, std::uint64_t value) {
  start_value(key, GgufType::kU64);
  append(values_, value);
}

void GgufWriter::add_f32(std::string_view key, float value) {
  start_value(key, GgufType::kF32);
  append(values_, value);
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  start_value(key, GgufType::kBool);
  append(values_, static_cast<std::uint8_t>(value));
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string> values) {
  start_value(key, GgufType::kArray);
  append_type(values_, GgufType::kString);
  append<std::uint64_t>(values_, values.size());
  for (const auto& value : values) append_string(values_, value);
}

void GgufWriter::add_i32s(std::string_view key, std::span<const std::int32_t> values) {
  start_value(key, GgufType::kArray);
  append_type(values_, GgufType::kI32);
  append<std::uint64_t>(values_, values.size());
  for (const auto value : values) append(values_, value);
}

void GgufWriter::add_f32s(std::string_view key, std::span<const float> values) {
  start_value(key, GgufType::kArray);
  append_type(values_, GgufType::kF32);
  append<std::uint64_t>(values_, values.size());
  for (const auto value : values) append(values_, value);
}

void GgufWriter::add_value(std::string_view key, const GgufValue& value) {
  start_value(key, value.type);
  const auto unsigned_value = [&] { return std::get<std::uint64_t>(value.value); };
  const auto signed_value = [&] { return std::get<std::int64_t>(value.value); };
  switch (value.type) {
    case GgufType::kU8:
      append(values_, static_cast<std::uint8_t>(unsigned_value()));
      return;
    case GgufType::kU16:
      append(values_, static_cast<std::uint16_t>(unsigned_value()));
      return;
    case GgufType::kU32:
      append(values_, static_cast<std::uint32_t>(unsigned_value()));
      return;
    case GgufType::kU64:
      append(values_, unsigned_value());
      return;
    case GgufType::kI8:
      append(values_, static_cast<std::int8_t>(signed_value()));
      return;
    case GgufType::kI16:
      append(values_, static_cast<std::int16_t>(signed_value()));
      return;
    case GgufType::kI32:
      append(values_, static_cast<std::int32_t>(signed_value()));
      return;
    case GgufType::kI64:
      append(values_, signed_value());
      return;
    case GgufType::kF32:
      append(values_, static_cast<float>(std::get<double>(value.value)));
      return;
    case GgufType::kF64:
      append(values_, std::get<double>(value.value));
      return;
    case GgufType::kBool:
      append(values_, static_cast<std::uint8_t>(std::get<bool>(value.value)));
      return;
    case GgufType::kString:
      append_string(values_, std::get<std::string_view>(value.value));
      return;
    case GgufType::kArray:
      break;
  }
  const auto& array = std::get<GgufArray>(value.value);
  append_type(values_, array.element);
  append(values_, array.count);
  values_ += array.bytes;
}

void GgufWriter::add_tensor(std::string_view name,
                            GgmlType type,
                            const std::vector<std::int64_t>& shape,
                            std::string_view bytes) {
  for (const auto& tensor : tensors_) {
    if (tensor.name == name) fail("GGUF tensor ", quote(name), " is added twice");
  }
  if (shape.size() > kMaxGgufDimensions) {
    fail("GGUF tensor ", quote(name), " may have ", kMaxGgufDimensions, " dimensions, has shape ",
         shape_text(shape));
  }
  const auto count = element_count(shape);
  const auto row = shape.empty() ? 1 : shape[0];
  std::int64_t size = 0;
  if (!count || row % block_elements(type) != 0 ||
      __builtin_mul_overflow(*count / block_elements(type), block_bytes(type), &size) ||
      static_cast<std::size_t>(size) != bytes.size()) {
    fail("GGUF tensor ", quote(name), ": ", ggml_type_name(type), " of shape ", shape_text(shape),
         " does not fit ", bytes.size(), " bytes");
  }
  tensors_.push_back({std::string(name), type, shape, bytes});
}

std::string GgufWriter::head() const {
  std::string out = "GGUF";
  append(out, kVersion);
  append<std::uint64_t>(out, tensors_.size());
  append(out, count_);
  out += values_;
  std::uint64_t offset = 0;
  for (const auto& tensor : tensors_) {
    append_string(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const auto size : tensor.shape) append(out, static_cast<std::uint64_t>(size));
    append(out, static_cast<std::uint32_t>(tensor.type));
    append(out, offset);
    offset += tensor.bytes.size() + padding(tensor.bytes.size(), alignment_);
  }
  out.append(padding(out.size(), alignment_), '\0');
  return out;
}

void GgufWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.write(head());
  for (const auto& tensor : tensors_) {
    file.write(tensor.bytes);
    file.write(std::string(padding(tensor.bytes.size(), alignment_), '\0'));
  }
  file.commit();
}

}  // namespace hone
