// LLaMA-Factory's dataset_info.json: which file a data set's name stands for, and how it is laid
// out.
#pragma once

#include <filesystem>
#include <string>

#include <hone/data/record_file.h>

namespace hone {

/// A data set that a `dataset_info.json` describes.
struct NamedDataset {
  std::filesystem::path file;
  RecordOptions options;
};

/// The data set `name` of the file `path`:
///
///   {"my_pairs": {"file_name": "pairs.json", "formatting": "sharegpt", "ranking": true,
///                 "columns": {"messages": "dialogue", "chosen": "better", "rejected": "worse"},
///                 "tags": {"role_tag": "who", "content_tag": "says", "user_tag": "me"}}}
///
/// `file_name` lies beside `path`. `formatting` is `alpaca` (the default; without a `response` and
/// without `ranking`, `prompt` is a document) or `sharegpt`; `ranking` makes preferences, and a
/// `kto_tag` among the columns unpaired answers. Where `columns` are given, others are not read.
///
/// Throws `Error` naming `path` for a name that is not there, a data set that is no file here, and
/// for keys that are not known.
NamedDataset read_dataset_info(const std::filesystem::path& path, const std::string& name);

}  // namespace hone
