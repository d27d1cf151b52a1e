#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/row_source.h>
#include <hone/base/utf8.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhiteSpace = " \t\r\n\f\v";

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

char separator_of(FileLayout layout) {
  return layout == FileLayout::kTsv ? '\t' : ',';
}

bool is_table(FileLayout layout) {
  return layout == FileLayout::kCsv || layout == FileLayout::kTsv;
}

Json text_row(std::string_view line, const std::string& place) {
  if (find_invalid_utf8(line)) fail(place, ": is not UTF-8");
  const auto begin = std::min(line.find_first_not_of(kWhiteSpace), line.size());
  const auto end = line.find_last_not_of(kWhiteSpace) + 1;  // 0 where there is none
  Json row = Json::object();
  row["text"] = std::string(line.substr(begin, end - std::min(begin, end)));
  return row;
}

}  // namespace

std::string RowChunk::place(std::size_t i) const {
  const auto& row = rows_[i];
  if (file_->format.layout == FileLayout::kJson)
    return concat(file_->path, ": record ", row.number);
  return concat(file_->path, ":", row.line);
}

std::string_view RowChunk::text(std::size_t i) const {
  return std::string_view(text_).substr(rows_[i].begin, rows_[i].size);
}

Json RowChunk::row(std::size_t i) const {
  switch (file_->format.layout) {
    case FileLayout::kJson:
      return parse_json(text(i), file_->path, rows_[i].line);
    case FileLayout::kCsv:
    case FileLayout::kTsv:
      return parse_table_row(text(i), separator_of(file_->format.layout), file_->format.table,
                             place(i));
    case FileLayout::kText:
      return text_row(text(i), place(i));
    case FileLayout::kAuto:
    case FileLayout::kJsonl:
      break;
  }
  return parse_json(text(i), place(i));
}

RowSource::RowSource(const fs::path& path, const RowFormat& format)
    : RowSource(std::make_unique<ByteStream>(path), path, format, kReadBytes) {}

RowSource::RowSource(std::string_view bytes,
                     const fs::path& name,
                     const RowFormat& format,
                     std::size_t read_bytes)
    : RowSource(std::make_unique<ByteStream>(bytes, name), name, format, read_bytes) {}

RowSource::RowSource(std::unique_ptr<ByteStream> stream,
                     const fs::path& name,
                     const RowFormat& format,
                     std::size_t read_bytes)
    : stream_(std::move(stream)),
      file_(std::make_shared<RowChunk::File>(RowChunk::File{name.string(), format})),
      read_bytes_(read_bytes) {
  while (buffer_.size() < kByteOrderMark.size() && read_more()) {
  }
  if (buffer_.starts_with(kByteOrderMark)) buffer_.erase(0, kByteOrderMark.size());
  find_layout(name);
  if (is_table(file_->format.layout)) take_columns();
}

/// Appends to the buffer; false at the end of the file.
bool RowSource::read_more() {
  if (at_end_) return false;
  const auto before = buffer_.size();
  // A long row grows the buffer by a part of its own size, so that reading it stays linear.
  const auto step = std::max(read_bytes_, before / 2);
  buffer_.resize(before + step);
  buffer_.resize(before + stream_->read(std::span(buffer_).subspan(before)));
  at_end_ = buffer_.size() == before;
  return !at_end_;
}

void RowSource::find_layout(const fs::path& name) {
  auto& layout = file_->format.layout;
  const auto first_character = [&] {
    std::size_t first = 0;
    while ((first = buffer_.find_first_not_of(" \t\r\n")) == std::string::npos && read_more()) {
    }
    return first == std::string::npos ? '\0' : buffer_[first];
  };
  if (layout == FileLayout::kAuto) {
    const char separator = table_separator(name);
    layout = separator == ','           ? FileLayout::kCsv
             : separator != 0           ? FileLayout::kTsv
             : first_character() == '[' ? FileLayout::kJson
                                        : FileLayout::kJsonl;
  }
  if (layout == FileLayout::kJson && first_character() != '[')
    fail(file_->path, ": expected an array of records");
  const bool has_quoted_fields = is_table(layout) && file_->format.table.quotes;
  cutter_ = layout == FileLayout::kJson ? make_array_cutter()
            : has_quoted_fields         ? make_table_cutter(separator_of(layout))
                                        : make_line_cutter();
}

/// Reads the first row of a table, unless its columns were given.
void RowSource::take_columns() {
  auto& table = file_->format.table;
  std::string place = file_->path;
  if (table.columns.empty()) {
    RowChunk chunk;
    if (!next(chunk, 1)) return;
    place = chunk.place(0);
    table.columns =
        split_table_row(chunk.text(0), separator_of(file_->format.layout), table.quotes, place);
  }
  check_columns(table.columns, place);
}

/// The size of the next piece of the buffer, which starts at `begin`; nothing at the end.
std::optional<std::size_t> RowSource::find_piece(std::size_t begin) {
  do {
    const auto rest = std::string_view(buffer_).substr(begin);
    if (const auto size = cutter_->find_end(rest, looked_at_)) {
      looked_at_ = 0;
      return size;
    }
    looked_at_ = rest.size();
  } while (read_more());
  if (const auto* complaint = cutter_->complaint_at_end())
    fail(file_->path, ":", line_ + count_lines(std::string_view(buffer_).substr(begin)), ": ",
         complaint);
  const auto size = std::exchange(looked_at_, 0);
  if (size == 0 || file_->format.layout == FileLayout::kJson) return std::nullopt;
  return size;
}

void RowSource::add_piece(RowChunk& chunk, std::size_t begin, std::size_t size) {
  const auto piece = std::string_view(buffer_).substr(begin, size);
  if (const auto row = cutter_->row_in(piece)) {
    if (row->empty()) {
      fail(file_->path, ":", line_ + count_lines(piece),
           ": not JSON: a record is missing beside a comma");
    }
    const auto offset = static_cast<std::size_t>(row->data() - piece.data());
    const auto line = line_ + count_lines(piece.substr(0, offset));
    chunk.rows_.push_back({begin + offset, row->size(), line, ++number_});
  }
  line_ += count_lines(piece);
}

bool RowSource::next(RowChunk& chunk, std::size_t bytes) {
  if (failure_) std::rethrow_exception(failure_);
  chunk.file_ = file_;
  chunk.rows_.clear();
  std::size_t taken = 0;
  try {
    while (taken < bytes || chunk.rows_.empty()) {
      const auto size = find_piece(taken);
      if (!size) break;
      add_piece(chunk, taken, *size);
      taken += *size;
    }
  } catch (const Error&) {
    // The rows before come first, so that of several faults the first is named.
    failure_ = std::current_exception();
    if (chunk.rows_.empty()) throw;
  }
  // The chunk gets the buffer as it is; what is left of it, less than was read last, is copied.
  auto rest = buffer_.substr(taken);
  chunk.text_ = std::exchange(buffer_, std::move(rest));
  return !chunk.rows_.empty();
}

void for_each_row(RowSource source,
                  const std::function<void(Json row, const std::string& place)>& each) {
  RowChunk chunk;
  while (source.next(chunk)) {
    for (std::size_t i = 0; i < chunk.size(); ++i) each(chunk.row(i), chunk.place(i));
  }
}

void for_each_line(const fs::path& path,
                   const std::function<void(std::string_view, const std::string&)>& each) {
  RowSource source(path, {.layout = FileLayout::kJsonl, .table = {}});
  RowChunk chunk;
  while (source.next(chunk)) {
    for (std::size_t i = 0; i < chunk.size(); ++i) each(chunk.text(i), chunk.place(i));
  }
}

}  // namespace hone
