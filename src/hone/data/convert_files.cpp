#include <algorithm>
#include <optional>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/map_in_order.h>
#include <hone/data/convert_files.h>

namespace hone {
namespace {

/// The kind of the rows so far, and the place of the first.
struct SeenKind {
  std::optional<RecordKind> kind{};
  std::string place{};

  void expect(const SeenKind& next) {
    if (!kind) *this = next;
    if (next.kind && next.kind != kind) {
      fail(next.place, ": an example of kind ", kind_name(*next.kind), ", but that at ", place,
           " is of kind ", kind_name(*kind), "; convert them into files of their own");
    }
  }
};

struct ConvertedChunk {
  TokenizedLines lines;
  ConvertSummary summary;
  SeenKind seen;
};

ConvertedChunk convert_chunk(const RowChunk& chunk,
                             const RecordOptions& options,
                             Converter converter) {
  ConvertedChunk converted;
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const auto record = record_of(chunk.row(i), chunk.place(i), options);
    converted.seen.expect({record.kind, record.place});
    converter.convert(record, converted.lines);
  }
  converted.summary = converter.summary();
  return converted;
}

/// A file's bytes where it has a size, such as a pipe has not.
std::uint64_t bytes_of(const std::filesystem::path& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

}  // namespace

ConvertSummary convert_files(const std::vector<std::filesystem::path>& paths,
                             const RecordOptions& options,
                             const Converter& converter,
                             TokenizedWriter& writer,
                             std::size_t threads,
                             const std::function<void(const ConvertProgress&)>& tick) {
  ConvertSummary summary;
  ConvertProgress progress;
  SeenKind seen;
  for (const auto& path : paths) progress.all_bytes += bytes_of(path);
  const auto fresh = converter.with_empty_summary();
  for (const auto& path : paths) {
    RowSource source(path);
    const auto before = progress.bytes;
    const auto read_before = summary.read;
    const auto next = [&] {
      RowChunk chunk;
      const bool found = source.next(chunk);
      return found ? std::optional(std::move(chunk)) : std::nullopt;
    };
    const auto work = [&](const RowChunk& chunk) { return convert_chunk(chunk, options, fresh); };
    map_in_order(threads, next, work, [&](const ConvertedChunk& chunk) {
      seen.expect(chunk.seen);
      writer.write(chunk.lines);
      add(summary, chunk.summary);
      progress.bytes = before + source.position();
      progress.tokens = summary.tokens;
      if (tick) tick(progress);
    });
    if (summary.read == read_before) fail(path.string(), ": no examples");
  }
  if (seen.kind) writer.set_kind(*seen.kind);
  return summary;
}

}  // namespace hone
