// The rows of a data file, cut out of a stream and parsed by whoever has time: files of any size
// are read in little memory and on several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/byte_stream.h>
#include <hone/base/csv.h>
#include <hone/base/json_io.h>
#include <hone/base/row_cutter.h>

namespace hone {

/// How a data file is cut into rows. Every file may be packed with gzip or zstd besides.
enum class FileLayout {
  kAuto,   ///< a table where the name ends in .csv or .tsv (or that and .gz, .zst); an array where
           ///< the first character is `[`; else lines of JSON
  kJsonl,  ///< a JSON value a line
  kJson,   ///< one JSON array
  kCsv,    ///< a table with commas (see csv.h)
  kTsv,    ///< a table with tabs
  kText,   ///< each line as the field `text` of an object, without white space at its ends
};

/// How the rows of one file are to be read.
struct RowFormat {
  FileLayout layout = FileLayout::kAuto;
  TableOptions table{};  ///< of a table
};

/// A stretch of a file that holds whole rows, not yet parsed. Safe to read from several threads.
class RowChunk {
 public:
  /// Number of rows.
  std::size_t size() const { return rows_.size(); }

  /// `file:line` where row `i` starts, or `file: record n` in an array, counted from 1.
  std::string place(std::size_t i) const;

  /// The line of the file where row `i` starts, from 1.
  std::size_t line(std::size_t i) const { return rows_[i].line; }

  /// Row `i` as it lies in the file.
  std::string_view text(std::size_t i) const;

  /// Row `i`; of a table an object of texts by column. Throws `Error` naming file and line where it
  /// is malformed.
  Json row(std::size_t i) const;

 private:
  friend class RowSource;
  struct File {
    std::string path;
    RowFormat format;
  };
  struct Span {
    std::size_t begin = 0;  // in text_
    std::size_t size = 0;
    std::size_t line = 0;
    std::size_t number = 0;  // counts rows
  };

  std::shared_ptr<const File> file_;
  std::string text_;
  std::vector<Span> rows_;
};

/// Cuts a file into chunks of rows, from front to back.
///
/// Lines end at LF or CRLF alone (U+2028 and U+0085 are text). Blank lines are skipped, but count.
/// A byte-order mark is skipped.
class RowSource {
 public:
  /// Throws `Error` naming the file where it cannot be read, and of a table where its columns have
  /// no names or twice the same.
  explicit RowSource(const std::filesystem::path& path, const RowFormat& format = {});

  /// The same for bytes in memory, which must outlive the source; `name` stands for the path. At
  /// most `read_bytes` are looked at in one go.
  RowSource(std::string_view bytes,
            const std::filesystem::path& name,
            const RowFormat& format = {},
            std::size_t read_bytes = kReadBytes);

  /// Puts the next rows into `chunk`: as many as fit into about `bytes`, at least one. False at the
  /// end of the file. Throws `Error` naming file and line where packed data or an array end early.
  bool next(RowChunk& chunk, std::size_t bytes = kReadBytes);

  /// So many bytes of the file on the disk are read.
  std::uint64_t position() const { return stream_->position(); }

 private:
  static constexpr std::size_t kReadBytes = 1 << 18;

  RowSource(std::unique_ptr<ByteStream> stream,
            const std::filesystem::path& name,
            const RowFormat& format,
            std::size_t read_bytes);
  bool read_more();
  void find_layout(const std::filesystem::path& name);
  void take_columns();
  std::optional<std::size_t> find_piece(std::size_t begin);
  void add_piece(RowChunk& chunk, std::size_t begin, std::size_t size);

  std::unique_ptr<ByteStream> stream_;
  std::shared_ptr<RowChunk::File> file_;
  std::unique_ptr<RowCutter> cutter_;
  std::size_t read_bytes_;
  std::string buffer_;         // read, not given out
  std::size_t looked_at_ = 0;  // bytes of the row at the front that hold no end
  bool at_end_ = false;
  std::exception_ptr failure_;  // thrown once the rows before it were given
  std::size_t line_ = 1;        // at the front of the buffer
  std::size_t number_ = 0;      // rows so far
};

/// Calls `each(row, place)` for every row of a file, one after the other.
void for_each_row(RowSource source,
                  const std::function<void(Json row, const std::string& place)>& each);

/// Calls `each(line, place)` for every line of a file that is not blank; `place` is `path:line`.
void for_each_line(
    const std::filesystem::path& path,
    const std::function<void(std::string_view line, const std::string& place)>& each);

}  // namespace hone
