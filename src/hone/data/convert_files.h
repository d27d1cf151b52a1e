// Whole files of examples to tokenized rows, on several threads and in little memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include <hone/data/convert.h>
#include <hone/data/record_file.h>
#include <hone/data/tokenized.h>

namespace hone {

/// How far a conversion of files is.
struct ConvertProgress {
  std::uint64_t bytes = 0;      ///< read from the files, as they lie on the disk
  std::uint64_t all_bytes = 0;  ///< of all files together
  std::int64_t tokens = 0;      ///< in rows written
};

/// Converts every example of `paths`, one file after the other, and writes the rows in the order of
/// the input, whatever the number of threads. Holds a few chunks of rows, whatever the size of the
/// files.
///
/// `converter` says how; its own summary is left as it is. `tick` is called after every chunk and
/// may throw to end the conversion. Throws `Error` as `for_each_record` and `Converter::convert`
/// do, for the first row of the input that is refused.
ConvertSummary convert_files(const std::vector<std::filesystem::path>& paths,
                             const RecordOptions& options,
                             const Converter& converter,
                             TokenizedWriter& writer,
                             std::size_t threads,
                             const std::function<void(const ConvertProgress&)>& tick = {});

}  // namespace hone
