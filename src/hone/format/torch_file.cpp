#include <array>
#include <optional>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/utf8.h>
#include <hone/format/torch_file.h>
#include <hone/format/torch_pickle.h>
#include <hone/format/zip_archive.h>

namespace hone {
namespace {

constexpr std::string_view kPickle = "/data.pkl";

std::optional<DType> dtype_of_storage(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, DType>, 10> kTypes = {
      {{"FloatStorage", DType::F32},
       {"HalfStorage", DType::F16},
       {"BFloat16Storage", DType::BF16},
       {"DoubleStorage", DType::F64},
       {"LongStorage", DType::I64},
       {"IntStorage", DType::I32},
       {"ShortStorage", DType::I16},
       {"CharStorage", DType::I8},
       {"ByteStorage", DType::U8},
       {"BoolStorage", DType::BOOL}}};
  for (const auto& [name, dtype] : kTypes) {
    if (name == type) return dtype;
  }
  return std::nullopt;
}

/// One more than the farthest element that a tensor reaches, counted from its first.
std::optional<std::int64_t> reach_of(const PickledTensor& tensor) {
  if (tensor.shape.size() != tensor.strides.size()) return std::nullopt;
  std::int64_t reach = 1;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] < 0 || tensor.strides[i] < 0) return std::nullopt;
    if (tensor.shape[i] == 0) return 0;
    std::int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step) ||
        __builtin_add_overflow(reach, step, &reach))
      return std::nullopt;
  }
  return reach;
}

/// The window of `tensor` into its storage, checked.
StridedView view_into(const PickledTensor& tensor,
                      std::string_view storage,
                      const std::string& place) {
  const auto name = quote(tensor.name);
  const auto dtype = dtype_of_storage(tensor.storage_type);
  if (!dtype)
    fail(place, ": tensor ", name, " has storage type ", quote(tensor.storage_type),
         ", which is not supported");
  const auto size = static_cast<std::int64_t>(item_size(*dtype));
  const auto count = static_cast<std::int64_t>(storage.size()) / size;
  if (tensor.storage_count != count || count * size != static_cast<std::int64_t>(storage.size()))
    fail(place, ": the storage of tensor ", name, " has ", storage.size(), " bytes for ",
         tensor.storage_count, " elements of ", size);
  const auto reach = reach_of(tensor);
  if (!reach || !element_count(tensor.shape) || tensor.storage_offset < 0 ||
      tensor.storage_offset > count || *reach > count - tensor.storage_offset)
    fail(place, ": tensor ", name, " of shape ", shape_text(tensor.shape),
         " reaches outside of its storage of ", count, " elements");
  return {.view = {.name = tensor.name,
                   .dtype = *dtype,
                   .shape = tensor.shape,
                   .bytes = storage.substr(static_cast<std::size_t>(tensor.storage_offset * size))},
          .strides = tensor.strides};
}

}  // namespace

TorchFile::TorchFile(const std::filesystem::path& path) {
  const MappedFile file(path);
  path_ = path;
  owner_ = file.owner();
  parse(file.bytes());
}

TorchFile TorchFile::from_bytes(std::string_view bytes,
                                std::shared_ptr<const void> owner,
                                std::filesystem::path name) {
  TorchFile file;
  file.path_ = std::move(name);
  file.owner_ = std::move(owner);
  file.parse(bytes);
  return file;
}

void TorchFile::parse(std::string_view bytes) {
  const auto place = path_.string();
  if (bytes.starts_with("\x80\x02\x8a"))
    fail(place, ": was written by torch before 1.6; load it there and save it again");
  const ZipArchive archive(bytes, place);
  // Every entry lies in one folder, whose name is the writer's choice.
  std::string folder;
  for (const auto& [name, content] : archive.entries()) {
    if (name.ends_with(kPickle)) folder = name.substr(0, name.size() - kPickle.size());
  }
  const auto entry = [&](const std::string& name) -> std::optional<std::string_view> {
    const auto found = archive.entries().find(folder + "/" + name);
    return found == archive.entries().end() ? std::nullopt : std::optional(found->second);
  };
  const auto pickle = entry("data.pkl");
  if (!pickle) fail(place, ": holds no data.pkl, so torch.save did not write it");
  if (const auto order = entry("byteorder"); order && *order != "little")
    fail(place, ": is big-endian, which is not supported");
  for (const auto& tensor : read_torch_pickle(*pickle, place)) {
    const auto storage = entry("data/" + tensor.storage_key);
    if (!storage) fail(place, ": the storage of tensor ", quote(tensor.name), " is missing");
    if (!tensors_.emplace(tensor.name, view_into(tensor, *storage, place)).second)
      fail(place, ": tensor ", quote(tensor.name), " comes twice");
  }
}

}  // namespace hone
