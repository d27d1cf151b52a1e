#include <hone/base/json_io.h>

#include <zlib.h>

#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDepth = 256;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Builds a value from parse events and refuses what JSON libraries let pass: duplicate keys, endless nesting.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(const std::string& place) : place_(place) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) fail(place_, ": number out of range: ", text);
    return add(value);
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) fail(place_, ": duplicate key \"", name, "\"");
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& error) override {
    std::string what = error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 9: ..."
    if (const auto from = what.find("] "); from != std::string::npos) what.erase(0, from + 2);
    if (error.id == 406) fail(place_, ": number out of range");
    fail(place_, ": not JSON at byte ", byte, ": ", what);
  }

 private:
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

  std::string place_;
  Json root_;
  // Pointers stay valid: only the innermost open container grows.
  std::vector<Json*> stack_;
  std::vector<std::set<std::string>> keys_;
  std::string key_;
};

void split_lines(std::string_view text,
                 const fs::path& path,
                 const std::function<void(std::string_view, const std::string&)>& each) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    each(line, concat(path.string(), ":", number));
  }
}

/// Every member of a gzip file, one after the other.
std::string gunzip(std::string_view bytes, const fs::path& path) {
  std::string text;
  std::string chunk(1 << 18, '\0');
  while (!bytes.empty()) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) fail(path.string(), ": cannot start zlib");
    int status = Z_OK;
    while (status == Z_OK) {
      if (stream.avail_in == 0) {
        const auto step = std::min<std::size_t>(bytes.size(), 1u << 30);
        if (step == 0) break;
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream.avail_in = static_cast<uInt>(step);
        bytes.remove_prefix(step);
      }
      stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream.avail_out = static_cast<uInt>(chunk.size());
      status = inflate(&stream, Z_NO_FLUSH);
      text.append(chunk, 0, chunk.size() - stream.avail_out);
    }
    const auto unread = stream.avail_in;
    inflateEnd(&stream);
    if (status == Z_OK || status == Z_BUF_ERROR) fail(path.string(), ": unexpected end of gzip data");
    if (status != Z_STREAM_END) fail(path.string(), ": damaged gzip data");
    bytes = std::string_view(bytes.data() - unread, bytes.size() + unread);
  }
  return text;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& place) {
  StrictBuilder builder(place);
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
  write_file(path, value.dump(2, ' ', false) + "\n");
}

std::string to_json_line(const Json& value) { return value.dump(-1, ' ', false); }

void for_each_line(const fs::path& path,
                   const std::function<void(std::string_view, const std::string&)>& each) {
  const MappedFile file(path);
  if (file.bytes().starts_with("\x1f\x8b")) {
    split_lines(gunzip(file.bytes(), path), path, each);
  } else {
    split_lines(file.bytes(), path, each);
  }
}

}  // namespace hone
