// Any bytes as a data file in any layout: cut alike however it is read, and each row read or
// refused as an example. The first byte picks the layout, the second how much is read at a time.
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/decompress.h>
#include <hone/base/row_source.h>
#include <hone/data/record.h>

#include "fuzz.h"

using namespace hone;

namespace {

/// Places and texts of all rows, and what ended them.
std::vector<std::string> cut_rows(std::string_view bytes,
                                  FileLayout layout,
                                  std::size_t read_bytes,
                                  bool parse) {
  std::vector<std::string> rows;
  const auto record_in = [](const RowChunk& chunk, std::size_t i) {
    parse_record(chunk.row(i), chunk.place(i));
  };
  try {
    RowSource source(bytes, "input", {.layout = layout, .table = {}}, read_bytes);
    RowChunk chunk;
    while (source.next(chunk, read_bytes)) {
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        rows.push_back(chunk.place(i) + "\n" + std::string(chunk.text(i)));
        if (parse) fuzz::accept_or_refuse([&] { record_in(chunk, i); });
      }
    }
  } catch (const Error& error) {
    rows.emplace_back(error.what());
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr FileLayout kLayouts[] = {FileLayout::kJsonl, FileLayout::kJson, FileLayout::kCsv,
                                     FileLayout::kTsv, FileLayout::kText};
  const auto layout = kLayouts[data[0] % 5];
  const auto bytes = fuzz::text_of(data + 2, size - 2);
  const auto whole = cut_rows(bytes, layout, 1 << 18, true);
  const auto parts = cut_rows(bytes, layout, 1 + data[1] % 32, false);
  // How much of damaged packed data comes out before the damage is found depends on the read.
  if (make_unpacker(bytes, "input") == nullptr) fuzz::require(whole == parts);
  return 0;
}
