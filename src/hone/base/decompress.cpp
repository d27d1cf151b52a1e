#include <algorithm>
#include <limits>

#include <zlib.h>
#include <zstd.h>

#include <hone/base/decompress.h>
#include <hone/base/error.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGzip = "\x1f\x8b", kZstd = "\x28\xb5\x2f\xfd";

class GzipUnpacker : public Unpacker {
 public:
  explicit GzipUnpacker(std::string name) : name_(std::move(name)) {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) fail(name_, ": cannot start zlib");
  }
  ~GzipUnpacker() override { inflateEnd(&stream_); }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  std::size_t unpack(std::string_view& in, std::span<char> out) override {
    std::size_t written = 0;
    while (written == 0) {
      if (at_end_ && in.empty()) return 0;
      if (at_end_) inflateReset(&stream_);  // a further member
      written = step(in, out);
      if (written == 0 && in.empty()) return 0;
    }
    return written;
  }

  void finish() const override {
    if (!at_end_) fail(name_, ": unexpected end of gzip data");
  }

 private:
  std::size_t step(std::string_view& in, std::span<char> out) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), kMost));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    const auto room = static_cast<uInt>(std::min(out.size(), kMost));
    stream_.avail_out = room;
    const auto given = stream_.avail_in;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    // Z_BUF_ERROR: no progress for want of input; the caller brings more.
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      fail(name_, ": damaged gzip data");
    at_end_ = status == Z_STREAM_END;
    in.remove_prefix(given - stream_.avail_in);
    return room - stream_.avail_out;
  }

  std::string name_;
  z_stream stream_{};
  bool at_end_ = false;  // of a member
};

class ZstdUnpacker : public Unpacker {
 public:
  explicit ZstdUnpacker(std::string name)
      : name_(std::move(name)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {}

  std::size_t unpack(std::string_view& in, std::span<char> out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    // Text may be left inside of the decoder after all of `in` was taken, so it is asked even then.
    do {
      const auto before = from.pos;
      left_ = left_ == 0 && from.size == 0 ? 0 : ZSTD_decompressStream(context_.get(), &to, &from);
      if (ZSTD_isError(left_) != 0) fail(name_, ": damaged zstd data: ", ZSTD_getErrorName(left_));
      if (from.pos == before && to.pos == 0) break;
    } while (to.pos == 0 && from.pos < from.size);
    in.remove_prefix(from.pos);
    return to.pos;
  }

  void finish() const override {
    if (left_ != 0) fail(name_, ": unexpected end of zstd data");
  }

 private:
  std::string name_;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  std::size_t left_ = 0;  // 0: at the end of a frame
};

}  // namespace

std::unique_ptr<Unpacker> make_unpacker(std::string_view bytes, const fs::path& name) {
  if (bytes.starts_with(kGzip)) return std::make_unique<GzipUnpacker>(name.string());
  if (bytes.starts_with(kZstd)) return std::make_unique<ZstdUnpacker>(name.string());
  return nullptr;
}

fs::path unpacked_name(fs::path name) {
  if (name.extension() == ".gz" || name.extension() == ".zst") name.replace_extension();
  return name;
}

std::string decompressed(std::string_view bytes, const fs::path& name) {
  const auto unpacker = make_unpacker(bytes, name);
  if (!unpacker) return std::string(bytes);
  std::string text, chunk(1 << 18, '\0');
  while (const auto size = unpacker->unpack(bytes, chunk)) text.append(chunk, 0, size);
  unpacker->finish();
  return text;
}

}  // namespace hone
