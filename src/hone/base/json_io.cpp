#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>
#include <hone/base/utf8.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDepth = 256;
constexpr std::size_t kMaxReason = 160;  // bytes of a parser's message that are passed on

/// `place`, the line where that is asked for or `text` has several, and the 1-based byte of that
/// line at which `offset` lies.
std::string locate(const std::string& place,
                   std::size_t first_line,
                   std::string_view text,
                   std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line_start = before.rfind('\n') + 1;  // 0 where there is none
  std::string where = place;
  const auto line = std::count(before.begin(), before.end(), '\n');
  if (first_line > 0) {
    where += concat(":", first_line + static_cast<std::size_t>(line));
  } else if (text.find('\n') < text.size() - 1) {
    where += concat(":", line + 1);
  }
  return concat(where, ": byte ", before.size() - line_start + 1);
}

/// What the JSON library says is wrong, without its own idea of the place, cut where it repeats
/// long input.
std::string reason_of(const std::exception& error) {
  std::string_view what = error.what();
  if (const auto from = what.find("syntax error"); from != std::string_view::npos)
    what = what.substr(from);
  if (what.size() <= kMaxReason) return std::string(what);
  what = what.substr(0, kMaxReason);
  return concat(what.substr(0, find_invalid_utf8(what).value_or(what.size())), " ...");
}

/// Builds a value from parse events and refuses what JSON libraries let pass: duplicate keys,
/// endless nesting.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  StrictBuilder(std::string_view text, const std::string& place, std::size_t first_line)
      : text_(text),
        file_(place),
        place_(first_line > 0 ? concat(place, ":", first_line) : place),
        first_line_(first_line) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) fail(place_, ": number out of range: ", quote(text));
    return add(value);
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) fail(place_, ": duplicate key ", quote(name));
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t byte,
                   const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (error.id == kOutOfRange) fail(place_, ": number out of range");
    fail(locate(file_, first_line_, text_, byte == 0 ? 0 : byte - 1),
         ": not JSON: ", reason_of(error));
  }

 private:
  static constexpr int kOutOfRange = 406;  // the JSON library's number for it

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    // Appends without a search: the key is known to be new.
    auto& members = parent.get_ref<Json::object_t&>();
    members.Container::emplace_back(std::move(key_), std::move(value));
    return &members.Container::back().second;
  }

  bool open(Json container) {
    if (stack_.size() >= kMaxDepth) fail(place_, ": nested deeper than ", kMaxDepth);
    stack_.push_back(place(std::move(container)));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string file_;
  std::string place_;
  std::size_t first_line_;
  Json root_;
  // Pointers stay valid: only the innermost open container grows.
  std::vector<Json*> stack_;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
};

std::string dump(const Json& value, int indent) {
  try {
    return value.dump(indent, ' ', false);
  } catch (const Json::exception& error) {
    fail("cannot write as JSON: ", reason_of(error));
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& place, std::size_t first_line) {
  if (const auto at = find_invalid_utf8(text)) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[*at]);
    fail(locate(place, first_line, text, *at), " is not UTF-8: 0x", kHex[byte >> 4],
         kHex[byte & 15]);
  }
  // The JSON library takes a zero byte for the end of its input.
  if (const auto at = text.find('\0'); at != std::string_view::npos) {
    fail(locate(place, first_line, text, at), " is zero, not JSON");
  }
  StrictBuilder builder(text, place, first_line);
  Json::sax_parse(text, &builder);
  return builder.take();
}

Json read_json(const fs::path& path) {
  const MappedFile file(path);
  auto text = file.bytes();
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty()) fail(path.string(), ": is empty, expected JSON");
  return parse_json(text, path.string());
}

void write_json(const fs::path& path, const Json& value) {
  write_file(path, dump(value, 2) + "\n");
}

std::string to_json_line(const Json& value) {
  return dump(value, -1);
}

}  // namespace hone
