#include <algorithm>
#include <memory>

#include <zlib.h>
#include <zstd.h>

#include <hone/base/decompress.h>
#include <hone/base/error.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGzip = "\x1f\x8b", kZstd = "\x28\xb5\x2f\xfd";

/// One member of a gzip file at a time; frees zlib's memory whatever happens.
class Inflater {
 public:
  explicit Inflater(const fs::path& path) : path_(path), chunk_(1 << 18, '\0') {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) fail(path_.string(), ": cannot start zlib");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends the text of the member at the start of `bytes` to `text` and returns what follows it.
  std::string_view unpack(std::string_view bytes, std::string& text) {
    int status = Z_OK;
    while (status == Z_OK) {
      if (stream_.avail_in == 0) {
        if (bytes.empty()) fail(path_.string(), ": unexpected end of gzip data");
        const auto step = std::min<std::size_t>(bytes.size(), 1u << 30);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(step);
        bytes.remove_prefix(step);
      }
      stream_.next_out = reinterpret_cast<Bytef*>(chunk_.data());
      stream_.avail_out = static_cast<uInt>(chunk_.size());
      status = inflate(&stream_, Z_NO_FLUSH);
      text.append(chunk_, 0, chunk_.size() - stream_.avail_out);
    }
    if (status != Z_STREAM_END) fail(path_.string(), ": damaged gzip data");
    return {bytes.data() - stream_.avail_in, bytes.size() + stream_.avail_in};
  }

 private:
  const fs::path& path_;
  std::string chunk_;
  z_stream stream_{};
};

/// Every member of a gzip file, one after the other.
std::string gunzip(std::string_view bytes, const fs::path& path) {
  std::string text;
  while (!bytes.empty()) bytes = Inflater(path).unpack(bytes, text);
  return text;
}

/// Every frame of a zstd file, one after the other.
std::string unpack_zstd(std::string_view bytes, const fs::path& path) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  std::string text, chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t left = 0;  // 0: at the end of a frame
  while (in.pos < in.size) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0)
      fail(path.string(), ": damaged zstd data: ", ZSTD_getErrorName(left));
    text.append(chunk, 0, out.pos);
    // A full chunk may leave text inside the decoder after the last byte was read.
    while (in.pos == in.size && left != 0 && out.pos == out.size) {
      out.pos = 0;
      left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left) != 0) fail(path.string(), ": damaged zstd data");
      text.append(chunk, 0, out.pos);
    }
  }
  if (left != 0) fail(path.string(), ": unexpected end of zstd data");
  return text;
}

}  // namespace

bool is_compressed(std::string_view bytes) {
  return bytes.starts_with(kGzip) || bytes.starts_with(kZstd);
}

std::string decompressed(std::string_view bytes, const fs::path& name) {
  return bytes.starts_with(kZstd) ? unpack_zstd(bytes, name) : gunzip(bytes, name);
}

}  // namespace hone
