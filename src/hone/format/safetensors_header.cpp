#include <array>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/safetensors_header.h>

namespace hone {
namespace {

constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

/// Follows the events of the parser through the only structure a header can have.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& place) : place_(place) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    refuse("a number that is no 63-bit integer");
  }
  bool binary(binary_t&) override { refuse("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ != Where::kNumbers) refuse("a number");
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) refuse("a number over 2^63 - 1");
    numbers_.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (where_ == Where::kMetadata) {
      header_.metadata.emplace(key_, std::move(value));
    } else if (where_ == Where::kTensor && key_ == "dtype") {
      entry().dtype = read_dtype(value);
    } else {
      refuse("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::kStart) {
      where_ = Where::kTop;
    } else if (where_ == Where::kTop) {
      where_ = key_ == "__metadata__" ? Where::kMetadata : Where::kTensor;
      if (where_ == Where::kTensor) header_.entries.emplace_back().name = key_;
      fields_.clear();
    } else {
      refuse("an object");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ != Where::kTensor || key_ == "dtype") refuse("an array");
    where_ = Where::kNumbers;
    numbers_.clear();
    return true;
  }

  bool key(string_t& name) override {
    auto& seen = where_ == Where::kTop ? names_ : fields_;
    if (!seen.insert(name).second) {
      const char* what = where_ == Where::kTop ? "tensor name" : "key";
      fail(context(), ": ", what, " ", quote(name), " appears twice");
    }
    key_ = std::move(name);
    if (where_ == Where::kTensor && !is_field(key_)) fail(context(), ": unknown key ", quote(key_));
    return true;
  }

  bool end_array() override {
    where_ = Where::kTensor;
    if (key_ == "shape") {
      entry().shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2)
      fail(context(), ": data_offsets must be two numbers, got ", numbers_.size());
    entry().begin = static_cast<std::uint64_t>(numbers_[0]);
    entry().end = static_cast<std::uint64_t>(numbers_[1]);
    return true;
  }

  bool end_object() override {
    if (where_ == Where::kTensor) {
      for (const auto field : kFields) {
        if (!fields_.contains(std::string(field))) fail(context(), ": has no ", field);
      }
    }
    where_ = where_ == Where::kTop ? Where::kStart : Where::kTop;
    return true;
  }

  bool parse_error(std::size_t byte,
                   const std::string&,
                   const nlohmann::detail::exception&) override {
    fail(place_, ": the header is not JSON: error at byte ", byte, " of it");
  }

 private:
  enum class Where { kStart, kTop, kMetadata, kTensor, kNumbers };

  static bool is_field(const std::string& key) {
    return key == kFields[0] || key == kFields[1] || key == kFields[2];
  }

  SafetensorsEntry& entry() { return header_.entries.back(); }

  /// The file, and the tensor that is being read.
  std::string context() const {
    if (where_ == Where::kMetadata) return place_ + ": __metadata__";
    if (where_ == Where::kTensor || where_ == Where::kNumbers) {
      return concat(place_, ": tensor ", quote(header_.entries.back().name));
    }
    return place_;
  }

  [[noreturn]] void refuse(std::string_view what) const {
    switch (where_) {
      case Where::kMetadata:
        fail(context(), ": ", quote(key_), " must be a string, got ", what);
      case Where::kTensor:
        fail(context(), ": ", key_, " must be ", key_ == "dtype" ? "a string" : "an array",
             ", got ", what);
      case Where::kNumbers:
        fail(context(), ": ", key_, " must hold integers from 0, got ", what);
      case Where::kTop:
        fail(place_, ": ", quote(key_), " must be an object, got ", what);
      case Where::kStart:
        break;
    }
    fail(place_, ": the header must be an object, got ", what);
  }

  DType read_dtype(const std::string& name) const {
    if (const auto dtype = dtype_from_name(name)) return *dtype;
    if (is_unsupported_dtype_name(name))
      fail(context(), ": dtype ", name, " is not supported by hone");
    fail(context(), ": unknown dtype ", quote(name));
  }

  std::string place_;
  SafetensorsHeader header_;
  Where where_ = Where::kStart;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> fields_;  // of the object that is open
  std::vector<std::int64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& place) {
  if (const auto at = find_invalid_utf8(json)) {
    fail(place, ": the header is not UTF-8: bad byte ", *at + 1, " of it");
  }
  // The JSON library takes a zero byte for the end of its input.
  if (const auto at = json.find('\0'); at != std::string_view::npos) {
    fail(place, ": the header holds a zero byte, byte ", at + 1, " of it");
  }
  HeaderReader reader(place);
  nlohmann::json::sax_parse(json, &reader);
  return reader.take();
}

}  // namespace hone
