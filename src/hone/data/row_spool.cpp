#include <cerrno>
#include <cstring>

#include <stdlib.h>
#include <unistd.h>

#include <hone/base/error.h>
#include <hone/data/row_spool.h>

namespace hone {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

RowSpool::RowSpool(const std::filesystem::path& folder) : folder_(folder) {
  auto pattern = (folder / ".hone-rows-XXXXXX").string();
  descriptor_ = ::mkstemp(pattern.data());
  if (descriptor_ < 0)
    fail(folder.string(), ": cannot create a temporary file: ", std::strerror(errno));
  ::unlink(pattern.c_str());
}

RowSpool::~RowSpool() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RowSpool::append(std::string_view row) {
  buffer_ += row;
  ends_.push_back(written_ + buffer_.size());
  if (buffer_.size() >= kBufferBytes) flush();
}

void RowSpool::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const auto count = ::pwrite(descriptor_, buffer_.data() + done, buffer_.size() - done,
                                static_cast<off_t>(written_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      fail(folder_.string(), ": cannot write a temporary file: ", std::strerror(errno));
    done += static_cast<std::size_t>(count);
  }
  written_ += buffer_.size();
  buffer_.clear();
}

std::string RowSpool::at(std::size_t index) {
  const auto begin = index == 0 ? 0 : ends_.at(index - 1);
  const auto end = ends_.at(index);
  if (end > written_) flush();
  std::string row(end - begin, '\0');
  std::size_t done = 0;
  while (done < row.size()) {
    const auto count = ::pread(descriptor_, row.data() + done, row.size() - done,
                               static_cast<off_t>(begin + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(folder_.string(), ": cannot read a temporary file");
    done += static_cast<std::size_t>(count);
  }
  return row;
}

}  // namespace hone
