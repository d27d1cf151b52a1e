#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hone/base/byte_stream.h>
#include <hone/base/error.h>

namespace hone {
namespace {

constexpr std::size_t kInputBytes = 1 << 18;

}  // namespace

ByteStream::ByteStream(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int reason = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    fail(path.string(), ": cannot open: ", std::strerror(reason));
  }
  if (S_ISDIR(status.st_mode)) {
    ::close(descriptor_);
    fail(path.string(), ": not a regular file");
  }
  buffer_.resize(kInputBytes);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

ByteStream::ByteStream(std::string_view bytes, const std::filesystem::path& name)
    : path_(name), position_(bytes.size()), input_(bytes) {}

ByteStream::~ByteStream() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t ByteStream::read_file(std::span<char> to) {
  if (descriptor_ < 0) return 0;
  ssize_t size = 0;
  do {
    size = ::read(descriptor_, to.data(), to.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) fail(path_.string(), ": cannot read: ", std::strerror(errno));
  position_ += static_cast<std::uint64_t>(size);
  return static_cast<std::size_t>(size);
}

/// What was read and not yet given out, or else what can be read now; empty at the end.
std::string_view ByteStream::take_input() {
  if (input_.empty()) input_ = std::string_view(buffer_).substr(0, read_file(buffer_));
  return input_;
}

std::size_t ByteStream::read(std::span<char> to) {
  if (!started_) {
    started_ = true;
    unpacker_ = make_unpacker(take_input(), path_);
  }
  while (unpacker_) {
    const bool ends = take_input().empty();
    if (const auto size = unpacker_->unpack(input_, to)) return size;
    if (!ends) continue;
    unpacker_->finish();
    return 0;
  }
  if (input_.empty()) return read_file(to);
  const auto size = std::min(input_.size(), to.size());
  std::copy_n(input_.data(), size, to.data());
  input_.remove_prefix(size);
  return size;
}

}  // namespace hone
