#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/format/dtype.h>
#include <hone/format/gguf.h>

namespace hone {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are used as they lie in the file");

constexpr std::string_view kMagic = "GGUF";
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::uint64_t kMinAlignment = 8;
constexpr std::uint64_t kMaxAlignment = 1 << 20;
// The least that one entry takes in the file: counts are held against it before anything is
// allocated.
constexpr std::uint64_t kMinValueBytes = 8 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;

/// Bytes of a number or bool; 0 for strings, arrays and unknown types.
std::uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      break;
  }
  return 0;
}

bool is_value_type(std::uint32_t number) {
  return number <= static_cast<std::uint32_t>(GgufType::kF64);
}

}  // namespace

/// Walks through the bytes once. `context_` says what is being read, for messages.
class GgufParser {
 public:
  GgufParser(GgufFile& file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  void parse() {
    read_magic();
    const auto tensors = read_count("tensor count", kMinTensorBytes);
    const auto values = read_count("metadata count", kMinValueBytes);
    for (std::uint64_t i = 0; i < values; ++i) read_pair();
    read_alignment();
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i < tensors; ++i) offsets.push_back(read_tensor());
    place_tensors(offsets);
  }

 private:
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(file_.path_.string(), ": ", context_, parts...);
  }

  std::uint64_t left() const { return bytes_.size() - at_; }

  std::string_view take(std::uint64_t count, std::string_view what) {
    if (count > left())
      refuse("truncated: ", what, " of ", count, " bytes expected, ", left(), " found");
    const auto taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  template <typename T>
  T read(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string_view read_string(std::string_view what) {
    return take(read<std::uint64_t>("length"), what);
  }

  std::uint64_t read_count(std::string_view what, std::uint64_t least_bytes) {
    const auto count = read<std::uint64_t>(what);
    if (count > left() / least_bytes) {
      refuse(what, " ", count, " cannot fit into the ", left(), " bytes that follow");
    }
    return count;
  }

  void read_magic() {
    if (!bytes_.starts_with(kMagic)) refuse("not a GGUF file: must start with GGUF");
    at_ = kMagic.size();
    file_.version_ = read<std::uint32_t>("version");
    if (file_.version_ == 2 || file_.version_ == 3) return;
    if ((file_.version_ & 0xffff) == 0) refuse("big-endian GGUF is not supported");
    refuse("GGUF version must be 2 or 3, got ", file_.version_);
  }

  void read_pair() {
    const auto key = read_string("key");
    if (!file_.keys_.emplace(key, file_.metadata_.size()).second) {
      refuse("key ", quote(key), " appears twice");
    }
    context_ = concat("key ", quote(key), ": ");
    const auto number = read<std::uint32_t>("type");
    if (!is_value_type(number)) refuse("unknown value type ", number);
    const auto type = static_cast<GgufType>(number);
    file_.metadata_.emplace_back(key, GgufValue{type, {}});
    read_value(file_.metadata_.back().second);
    context_.clear();
  }

  void read_value(GgufValue& out) {
    switch (out.type) {
      case GgufType::kU8:
        out.value = std::uint64_t{read<std::uint8_t>("value")};
        return;
      case GgufType::kU16:
        out.value = std::uint64_t{read<std::uint16_t>("value")};
        return;
      case GgufType::kU32:
        out.value = std::uint64_t{read<std::uint32_t>("value")};
        return;
      case GgufType::kU64:
        out.value = read<std::uint64_t>("value");
        return;
      case GgufType::kI8:
        out.value = std::int64_t{read<std::int8_t>("value")};
        return;
      case GgufType::kI16:
        out.value = std::int64_t{read<std::int16_t>("value")};
        return;
      case GgufType::kI32:
        out.value = std::int64_t{read<std::int32_t>("value")};
        return;
      case GgufType::kI64:
        out.value = read<std::int64_t>("value");
        return;
      case GgufType::kF32:
        out.value = double{read<float>("value")};
        return;
      case GgufType::kF64:
        out.value = read<double>("value");
        return;
      case GgufType::kBool:
        out.value = read_bool();
        return;
      case GgufType::kString:
        out.value = read_string("string");
        return;
      case GgufType::kArray:
        out.value = read_array();
        return;
    }
  }

  bool read_bool() {
    const auto byte = read<std::uint8_t>("value");
    if (byte > 1) refuse("a bool must be 0 or 1, got ", int{byte});
    return byte == 1;
  }

  GgufArray read_array() {
    const auto number = read<std::uint32_t>("element type");
    if (!is_value_type(number)) refuse("unknown element type ", number);
    GgufArray array;
    array.element = static_cast<GgufType>(number);
    if (array.element == GgufType::kArray) refuse("arrays of arrays are not supported");
    const bool strings = array.element == GgufType::kString;
    const auto least = strings ? sizeof(std::uint64_t) : scalar_bytes(array.element);
    array.count = read_count("array of", least);
    const auto start = at_;
    if (strings) {
      for (std::uint64_t i = 0; i < array.count; ++i) read_string("string");
    } else {
      take(array.count * least, "array");
    }
    array.bytes = bytes_.substr(start, at_ - start);
    if (array.element == GgufType::kBool &&
        std::any_of(array.bytes.begin(), array.bytes.end(),
                    [](char byte) { return static_cast<unsigned char>(byte) > 1; })) {
      refuse("a bool must be 0 or 1");
    }
    return array;
  }

  void read_alignment() {
    const auto found = file_.keys_.find(kAlignmentKey);
    if (found == file_.keys_.end()) return;
    context_ = concat("key \"", kAlignmentKey, "\": ");
    const auto& value = file_.metadata_[found->second].second;
    if (value.type != GgufType::kU32) refuse("must be u32, got ", gguf_type_name(value.type));
    file_.alignment_ = std::get<std::uint64_t>(value.value);
    if (!std::has_single_bit(file_.alignment_) || file_.alignment_ < kMinAlignment ||
        file_.alignment_ > kMaxAlignment) {
      refuse("must be a power of two from ", kMinAlignment, " to ", kMaxAlignment, ", got ",
             file_.alignment_);
    }
    context_.clear();
  }

  /// Reads what describes one tensor and returns its offset; `bytes` gets its size, not yet its
  /// place.
  std::uint64_t read_tensor() {
    GgufTensor tensor;
    tensor.name = read_string("tensor name");
    if (!file_.names_.emplace(tensor.name, file_.tensors_.size()).second) {
      refuse("tensor ", quote(tensor.name), " appears twice");
    }
    context_ = concat("tensor ", quote(tensor.name), ": ");
    const auto dimensions = read<std::uint32_t>("number of dimensions");
    if (dimensions > kMaxGgufDimensions) {
      refuse("at most ", kMaxGgufDimensions, " dimensions are allowed, got ", dimensions);
    }
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const auto size = read<std::uint64_t>("dimension");
      if (size > static_cast<std::uint64_t>(INT64_MAX)) refuse("dimension ", size, " overflows");
      tensor.shape.push_back(static_cast<std::int64_t>(size));
    }
    tensor.type = read_type();
    sizes_.push_back(size_of(tensor));
    file_.tensors_.push_back(std::move(tensor));
    const auto offset = read<std::uint64_t>("offset");
    if (offset % file_.alignment_ != 0) {
      refuse("offset ", offset, " must be a multiple of the alignment, ", file_.alignment_);
    }
    context_.clear();
    return offset;
  }

  GgmlType read_type() {
    const auto number = read<std::uint32_t>("type");
    if (const auto type = ggml_type_from_number(number)) return *type;
    const auto name = ggml_type_name(number);
    if (name.empty()) refuse("unknown type ", number);
    refuse("type ", name, " (", number, ") is not supported by hone");
  }

  std::uint64_t size_of(const GgufTensor& tensor) const {
    const auto count = element_count(tensor.shape);
    if (!count) refuse("shape ", shape_text(tensor.shape), " overflows");
    const auto row = tensor.shape.empty() ? 1 : tensor.shape[0];
    if (row % block_elements(tensor.type) != 0) {
      refuse("rows of ", ggml_type_name(tensor.type), " must be a multiple of ",
             block_elements(tensor.type), " elements, shape is ", shape_text(tensor.shape));
    }
    std::int64_t size = 0;
    if (__builtin_mul_overflow(*count / block_elements(tensor.type), block_bytes(tensor.type),
                               &size)) {
      refuse("shape ", shape_text(tensor.shape), " overflows");
    }
    return static_cast<std::uint64_t>(size);
  }

  /// Gives every tensor its bytes; refuses places outside the file and overlaps.
  void place_tensors(const std::vector<std::uint64_t>& offsets) {
    const auto start = std::min<std::uint64_t>(
        (at_ + file_.alignment_ - 1) / file_.alignment_ * file_.alignment_, bytes_.size());
    const auto data = bytes_.substr(start);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      auto& tensor = file_.tensors_[i];
      if (offsets[i] > data.size() || sizes_[i] > data.size() - offsets[i]) {
        fail(file_.path_.string(), ": tensor ", quote(tensor.name), ": ", sizes_[i],
             " bytes at offset ", offsets[i], " expected, the data ends at ", data.size());
      }
      tensor.bytes = data.substr(offsets[i], sizes_[i]);
      if (sizes_[i] != 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return offsets[a] < offsets[b]; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (offsets[order[i - 1]] + sizes_[order[i - 1]] <= offsets[order[i]]) continue;
      fail(file_.path_.string(), ": tensor ", quote(file_.tensors_[order[i]].name),
           " overlaps tensor ", quote(file_.tensors_[order[i - 1]].name));
    }
  }

  GgufFile& file_;
  std::string_view bytes_;
  std::uint64_t at_ = 0;
  std::string context_;
  std::vector<std::uint64_t> sizes_;  // bytes of each tensor
};

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path) {
  const MappedFile file(path);
  owner_ = file.owner();
  GgufParser(*this, file.bytes()).parse();
}

GgufFile GgufFile::from_bytes(std::string_view bytes,
                              std::shared_ptr<const void> owner,
                              std::filesystem::path name) {
  GgufFile file;
  file.path_ = std::move(name);
  file.owner_ = std::move(owner);
  GgufParser(file, bytes).parse();
  return file;
}

}  // namespace hone
