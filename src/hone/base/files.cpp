#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hone/base/error.h>
#include <hone/base/files.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 1 << 20;

[[noreturn]] void fail_system(const fs::path& path, const char* what) {
  fail(path.string(), ": ", what, ": ", std::strerror(errno));
}

/// A name beside `path` that no other process uses; `attempt` tells apart those of this process.
fs::path temporary_name(const fs::path& path, int attempt) {
  const auto name = concat(".", path.filename().string(), ".tmp-", ::getpid(), "-", attempt);
  return path.parent_path() / name;
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_system(path, "cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

fs::path parent_of(const fs::path& path) {
  return path.parent_path().empty() ? fs::path(".") : path.parent_path();
}

/// `runs/x/` and `runs/x` are the same folder.
fs::path without_trailing_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_system(path, "cannot open");
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    fail(path.string(), ": not a regular file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) {
    ::close(descriptor);
    return;
  }
  // Private and writable: weights trained in place are copied page by page and never reach the
  // file.
  void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  ::close(descriptor);
  if (start == MAP_FAILED) fail_system(path, "cannot map into memory");
  owner_ = std::shared_ptr<const void>(
      start, [size](const void* address) { ::munmap(const_cast<void*>(address), size); });
  bytes_ = std::string_view(static_cast<const char*>(start), size);
}

std::string read_file(const fs::path& path) {
  return std::string(MappedFile(path).bytes());
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = temporary_name(path_, attempt);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor_ < 0 && errno != EEXIST) fail_system(path_, "cannot write");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() > kBufferBytes) {
    write_all(descriptor_, bytes, path_);  // large tensors pass without a copy
  } else {
    buffer_ += bytes;
  }
}

void AtomicFile::flush() {
  write_all(descriptor_, buffer_, path_);
  buffer_.clear();
}

void AtomicFile::rewrite_start(std::string_view bytes) {
  flush();
  for (std::size_t done = 0; done < bytes.size();) {
    const auto rest = bytes.substr(done);
    const auto written = ::pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_system(path_, "cannot write");
    done += static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail_system(path_, "cannot write");
  if (::close(std::exchange(descriptor_, -1)) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    errno = reason;
    fail_system(path_, "cannot write");
  }
  sync_path(parent_of(path_));
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

AtomicFolder::AtomicFolder(fs::path path) : path_(without_trailing_slash(path)) {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    fail(path_.string(), ": cannot create a folder: a file of that name is there");
  }
  fs::create_directories(parent_of(path_), error);
  for (int attempt = 0; !error; ++attempt) {
    temporary_ = temporary_name(path_, attempt);
    if (fs::create_directory(temporary_, error)) return;
  }
  fail(path_.string(), ": cannot create: ", error.message());
}

AtomicFolder::~AtomicFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  sync_path(temporary_);
  std::error_code error;
  bool swapped = false;
  if (fs::exists(path_)) {
    // One step, so that a crash leaves either the old or the new folder under the name.
    swapped =
        ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0;
    if (!swapped) replace_in_two_steps();
  } else {
    fs::rename(temporary_, path_, error);
    if (error) fail(path_.string(), ": cannot rename into place: ", error.message());
  }
  committed_ = true;
  if (swapped) fs::remove_all(temporary_, error);
  sync_path(parent_of(path_));
}

void AtomicFolder::replace_in_two_steps() {
  const fs::path old = temporary_.string() + "-old";
  std::error_code error;
  fs::rename(path_, old, error);
  if (!error) {
    fs::rename(temporary_, path_, error);
    std::error_code ignored;
    if (error) {
      fs::rename(old, path_, ignored);
    } else {
      fs::remove_all(old, ignored);
    }
  }
  if (error) fail(path_.string(), ": cannot rename into place: ", error.message());
}

}  // namespace hone
