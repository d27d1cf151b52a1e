#include <algorithm>
#include <optional>
#include <utility>

#include <sentencepiece_processor.h>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/known_splits.h>
#include <hone/text/sentencepiece_model.h>
#include <hone/text/unicode.h>
#include <hone/text/word_cache.h>

namespace hone {
namespace {

// Fields of the model file's protocol buffer.
constexpr std::uint64_t kPieces = 1;               // of the model
constexpr std::uint64_t kTrainerSpec = 2;          // of the model
constexpr std::uint64_t kNormalizerSpec = 3;       // of the model
constexpr std::uint64_t kPieceType = 3;            // of a piece
constexpr std::uint64_t kModelType = 3;            // of the trainer spec
constexpr std::uint64_t kBpeModel = 2;             // a model type
constexpr std::uint64_t kWhitespaceAsSuffix = 24;  // of the trainer spec
constexpr std::uint64_t kNormalizerName = 1;       // of the normalizer spec
constexpr std::uint64_t kCharacterMap = 2;         // of the normalizer spec
constexpr std::uint64_t kAddDummyPrefix = 3;       // of the normalizer spec
constexpr std::uint64_t kRemoveWhitespaces = 4;    // of the normalizer spec
constexpr std::uint64_t kEscapeWhitespaces = 5;    // of the normalizer spec

/// Of a message's last occurrence counts, and messages of one field are merged: appended to a
/// model, this switches the dummy prefix off.
constexpr std::string_view kWithoutPrefix("\x1a\x02\x18\x00", 4);

/// Reads the fields of a protocol buffer message one after the other.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  struct Field {
    std::uint64_t number;
    std::uint64_t value;     ///< of a number
    std::string_view bytes;  ///< of a string or message
  };

  /// Nothing at the end, or where the bytes make no sense.
  std::optional<Field> next() {
    const auto tag = varint();
    if (!tag) return std::nullopt;
    Field field{*tag >> 3, 0, {}};
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return std::nullopt;
        field.value = *value;
        return field;
      }
      case 1:
        return take(8, field);
      case 2: {
        const auto size = varint();
        if (!size) return std::nullopt;
        return take(*size, field);
      }
      case 5:
        return take(4, field);
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[0]);
      bytes_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::optional<Field> take(std::uint64_t size, Field field) {
    if (size > bytes_.size()) return std::nullopt;
    field.bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return field;
  }

  std::string_view bytes_;
};

void load(sentencepiece::SentencePieceProcessor& processor,
          const std::string& bytes,
          const std::string& place) {
  const auto status = processor.LoadFromSerializedProto(bytes);
  if (!status.ok() || processor.GetPieceSize() <= 0) {
    std::string why = status.ok() ? "it has no pieces" : status.error_message();
    std::replace(why.begin(), why.end(), '\n', ' ');
    fail(place, ": is no SentencePiece model: ", why.empty() ? "it cannot be parsed" : why);
  }
}

}  // namespace

/// What the model file says about its pieces and about spaces.
struct SentencePieceModel::Spec {
  std::vector<std::int64_t> types;  ///< of the pieces
  bool is_bpe = false;
  bool adds_prefix = true;
  bool removes_spaces = true;
  bool escapes_spaces = true;
  bool space_ends_word = false;
  bool has_character_map = false;
  std::string_view normalizer;

  explicit Spec(std::string_view model) {
    MessageReader reader(model);
    while (const auto field = reader.next()) {
      MessageReader members(field->bytes);
      if (field->number == kPieces) types.push_back(kNormalPiece);
      while (const auto member = members.next()) {
        if (field->number == kPieces) read_piece(*member);
        if (field->number == kTrainerSpec) read_trainer(*member);
        if (field->number == kNormalizerSpec) read_normalizer(*member);
      }
    }
  }

 private:
  static constexpr std::int64_t kNormalPiece = 1;

  void read_piece(const MessageReader::Field& member) {
    if (member.number == kPieceType) types.back() = static_cast<std::int64_t>(member.value);
  }

  void read_trainer(const MessageReader::Field& member) {
    if (member.number == kModelType) is_bpe = member.value == kBpeModel;
    if (member.number == kWhitespaceAsSuffix) space_ends_word = member.value != 0;
  }

  void read_normalizer(const MessageReader::Field& member) {
    if (member.number == kNormalizerName) normalizer = member.bytes;
    if (member.number == kCharacterMap) has_character_map = !member.bytes.empty();
    if (member.number == kAddDummyPrefix) adds_prefix = member.value != 0;
    if (member.number == kRemoveWhitespaces) removes_spaces = member.value != 0;
    if (member.number == kEscapeWhitespaces) escapes_spaces = member.value != 0;
  }
};

struct SentencePieceModel::Processors {
  sentencepiece::SentencePieceProcessor with_prefix;
  sentencepiece::SentencePieceProcessor without_prefix;
  WordCache cache;  ///< of words that follow a space
};

SentencePieceModel::SentencePieceModel(std::string bytes, const std::string& place)
    : bytes_(std::move(bytes)), place_(place), processors_(std::make_unique<Processors>()) {
  if (bytes_.empty()) fail(place, ": is empty, expected a SentencePiece model");
  load(processors_->with_prefix, bytes_, place);
  load(processors_->without_prefix, bytes_ + std::string(kWithoutPrefix), place);
  const Spec spec(bytes_);
  adds_prefix_ = spec.adds_prefix;
  cuts_ = may_cut(spec);
}

SentencePieceModel::~SentencePieceModel() = default;
SentencePieceModel::SentencePieceModel(SentencePieceModel&&) noexcept = default;
SentencePieceModel& SentencePieceModel::operator=(SentencePieceModel&&) noexcept = default;

/// Whether every space between letters begins a new piece, whatever stands around it, and is
/// written as the dummy prefix is.
bool SentencePieceModel::may_cut(const Spec& spec) const {
  const auto& name = spec.normalizer;
  const bool known = !spec.has_character_map || name == "nmt_nfkc" || name == "nfkc" ||
                     name == "nmt_nfkc_cf" || name == "nfkc_cf" || name == "identity";
  if (!known || !spec.adds_prefix || !spec.escapes_spaces || spec.space_ends_word) return false;
  const auto& processor = processors_->with_prefix;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    std::string_view piece = processor.IdToPiece(id);
    while (piece.starts_with(kWordMarker)) piece.remove_prefix(kWordMarker.size());
    if (piece.find(kWordMarker) != piece.npos) return false;
  }
  return true;
}

void SentencePieceModel::encode(std::string_view text,
                                bool prefix,
                                std::vector<std::int64_t>& ids) const {
  const auto is_plain = [&](std::size_t at) {
    const char c = text[at];
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  // The library takes long for long texts, and a hundred times their memory; words come again and
  // are short.
  std::size_t begin = 0;
  for (auto space = cuts_ ? text.find(' ', 1) : text.npos; space != text.npos;
       space = text.find(' ', space + 1)) {
    if (space + 1 == text.size() || !is_plain(space - 1) || !is_plain(space + 1)) continue;
    const auto word = text.substr(begin, space - begin);
    begin == 0 ? encode_whole(word, prefix, ids) : encode_word(word, ids);
    begin = space + 1;
  }
  begin == 0 ? encode_whole(text, prefix, ids) : encode_word(text.substr(begin), ids);
}

void SentencePieceModel::encode_word(std::string_view word, std::vector<std::int64_t>& ids) const {
  if (word.size() > WordCache::kLongestWord) return encode_whole(word, true, ids);
  if (processors_->cache.append(word, ids)) return;
  const auto from = ids.size();
  encode_whole(word, true, ids);
  processors_->cache.insert(word, ids, from);
}

void SentencePieceModel::encode_whole(std::string_view text,
                                      bool prefix,
                                      std::vector<std::int64_t>& ids) const {
  const auto& processor = prefix ? processors_->with_prefix : processors_->without_prefix;
  std::vector<int> found;
  const auto status = processor.Encode(text, &found);
  if (!status.ok()) fail(place_, ": encoding failed: ", status.error_message());
  ids.insert(ids.end(), found.begin(), found.end());
}

ScoredPieces SentencePieceModel::pieces() const {
  const Spec spec(bytes_);
  ScoredPieces pieces{{}, spec.types, spec.is_bpe, false, spec.adds_prefix};
  pieces.rewrites_text =
      spec.has_character_map || spec.removes_spaces || !spec.escapes_spaces || spec.space_ends_word;
  const auto& processor = processors_->with_prefix;
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    pieces.scores.push_back(processor.GetScore(id));
  if (pieces.types.size() != pieces.scores.size())
    fail(place_, ": has ", pieces.scores.size(), " pieces, of which ", pieces.types.size(),
         " have a type");
  return pieces;
}

TokenizerParts SentencePieceModel::parts() const {
  const auto& processor = processors_->with_prefix;
  TokenizerParts parts;
  parts.place = place_;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    const auto& piece = processor.IdToPiece(id);
    if (find_invalid_utf8(piece)) fail(place_, ": piece ", id, " is not UTF-8");
    parts.vocabulary.add(id, piece, place_);
    if (!processor.IsControl(id) && !processor.IsUnknown(id)) continue;
    AddedToken token{id, piece};
    token.special = true;
    parts.added_tokens.push_back(std::move(token));
  }
  const auto name = [&](int id) -> std::optional<std::string> {
    if (id < 0 || id >= processor.GetPieceSize()) return std::nullopt;
    return processor.IdToPiece(id);
  };
  parts.names = {name(processor.bos_id()), name(processor.eos_id()), name(processor.pad_id()),
                 name(processor.unk_id())};
  parts.decoder = space_marker_decoder(adds_prefix_);
  parts.pieces = pieces();
  return parts;
}

}  // namespace hone
