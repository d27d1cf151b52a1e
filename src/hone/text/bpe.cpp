#include <algorithm>
#include <bit>
#include <limits>
#include <queue>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/text/bpe.h>
#include <hone/text/unicode.h>

namespace hone {
namespace {

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

std::string byte_token(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

}  // namespace

/// One token of the word in the making, linked to its neighbours by index.
struct Bpe::Symbol {
  std::int32_t id;  ///< -1: merged into the symbol before it
  std::int32_t previous = -1;
  std::int32_t next = -1;
};

/// A merge that may be done at a position.
struct Bpe::Candidate {
  std::int32_t rank;
  std::int32_t position;  ///< of the left symbol
  std::int32_t id;        ///< what the pair becomes
  /// In a heap the lowest rank comes first, of equal ranks the leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

Bpe::Bpe(const Vocabulary& vocabulary,
         const std::vector<MergePair>& merges,
         BpeSettings settings,
         bool maps_bytes,
         const std::vector<std::int64_t>& control_ids,
         const std::string& place)
    : settings_(std::move(settings)), maps_bytes_(maps_bytes) {
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    if (const auto* token = vocabulary.find(id))
      ids_.emplace(*token, static_cast<std::int32_t>(id));
  }
  if (!settings_.unk_token.empty()) {
    const auto unk = vocabulary.id_of(settings_.unk_token);
    if (!unk) fail(place, ": unk_token ", quote(settings_.unk_token), " is not in the vocabulary");
    unk_id_ = static_cast<std::int32_t>(*unk);
  }
  merges_.reserve(merges.size());
  table_.resize(std::bit_ceil(merges.size() * 2 + 2));
  for (const auto& merge : merges) {
    add_merge(merge, static_cast<std::int32_t>(merges_.size()), place);
  }
  prepare_characters();
  prepare_cuts(merges);
  if (settings_.ignore_merges) {
    for (const auto id : control_ids) {
      if (const auto* token = vocabulary.find(id)) ids_.erase(*token);
    }
  } else {
    std::erase_if(ids_, [&](const auto& entry) {  // only single characters are looked up
      return character_at(entry.first + '\0', 0).bytes != entry.first.size();
    });
  }
}

void Bpe::add_merge(const MergePair& merge, std::int32_t rank, const std::string& place) {
  const auto id_of = [&](const std::string& token) {
    const auto found = ids_.find(token);
    if (found != ids_.end()) return found->second;
    fail(place, ": merge ", rank, " (", quote(merge.first), " ", quote(merge.second),
         ") needs the token ", quote(token), ", which is not in the vocabulary");
  };
  const auto left = id_of(merge.first);
  const auto right = id_of(merge.second);
  const auto pair = pair_of(left, right);
  merges_.push_back({left, right});
  table_[slot_of(pair)] = {pair, rank, id_of(merge.first + merge.second)};
}

void Bpe::prepare_characters() {
  bytes_.fill(-1);
  byte_tokens_.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<unsigned char>(byte);
    const auto character = maps_bytes_   ? alphabet_.character(value)
                           : byte < 0x80 ? std::string(1, static_cast<char>(byte))
                                         : std::string();
    if (const auto found = ids_.find(character); found != ids_.end()) bytes_[byte] = found->second;
    if (const auto found = ids_.find(byte_token(byte)); found != ids_.end()) {
      byte_tokens_[byte] = found->second;
    }
  }
}

std::size_t Bpe::slot_of(std::uint64_t pair) const {
  const auto mask = table_.size() - 1;
  auto slot = static_cast<std::size_t>((pair ^ pair >> 29) * 0x9e3779b97f4a7c15u >> 32) & mask;
  while (table_[slot].pair != pair && table_[slot].pair != ~std::uint64_t{0})
    slot = (slot + 1) & mask;
  return slot;
}

const Bpe::Merge* Bpe::find(std::int32_t left, std::int32_t right) const {
  const auto& entry = table_[slot_of(pair_of(left, right))];
  return entry.pair == ~std::uint64_t{0} ? nullptr : &entry;
}

void Bpe::prepare_cuts(const std::vector<MergePair>& merges) {
  cuts_ = !maps_bytes_ && !settings_.ignore_merges && ids_.contains(kWordMarker);
  if (!cuts_) return;
  for (const auto& [left, right] : merges) {
    if (right.starts_with(kWordMarker))
      joined_.insert(character_before(left, left.size()).code_point);
  }
}

/// Whether no merge can reach across the start of the marker: the character before it has a token
/// of its own, and no merge joins a token that ends in it to one that begins with the marker.
bool Bpe::is_cut(std::string_view piece, std::size_t marker) const {
  const auto before = character_before(piece, marker);
  if (joined_.contains(before.code_point)) return false;
  if (before.code_point < 0x80) return bytes_[before.code_point] >= 0;
  return ids_.contains(piece.substr(marker - before.bytes, before.bytes));
}

void Bpe::encode(std::string_view piece, std::vector<std::int64_t>& ids) const {
  // Without a pre-tokenizer a piece is a whole text. Cut into words it is encoded alike, and
  // faster: words come again.
  std::size_t begin = 0;
  for (std::size_t marker = cuts_ ? piece.find(kWordMarker, 1) : piece.npos; marker != piece.npos;
       marker = piece.find(kWordMarker, marker + 1)) {
    if (!is_cut(piece, marker)) continue;
    encode_word(piece.substr(begin, marker - begin), ids);
    begin = marker;
  }
  encode_word(piece.substr(begin), ids);
}

void Bpe::encode_word(std::string_view word, std::vector<std::int64_t>& ids) const {
  if (word.size() > WordCache::kLongestWord) return encode_new(word, ids);
  if (cache_.append(word, ids)) return;
  const auto from = ids.size();
  encode_new(word, ids);
  cache_.insert(word, ids, from);
}

void Bpe::append_unknown(std::string_view character,
                         std::vector<Symbol>& symbols,
                         bool& after_unk) const {
  const auto id_of = [&](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)]; };
  if (settings_.byte_fallback && std::all_of(character.begin(), character.end(),
                                             [&](char byte) { return id_of(byte) >= 0; })) {
    for (const char byte : character) symbols.push_back({id_of(byte)});
    after_unk = false;
  } else if (unk_id_ >= 0) {
    if (!after_unk || !settings_.fuse_unk) symbols.push_back({unk_id_});
    after_unk = true;
  }
}

std::vector<Bpe::Symbol> Bpe::symbols_of(std::string_view piece) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  bool after_unk = false;
  for (std::size_t at = 0; at < piece.size();) {
    const auto byte = static_cast<unsigned char>(piece[at]);
    std::size_t length = 1;
    auto id = bytes_[byte];
    if (!maps_bytes_ && byte >= 0x80) {
      length = character_at(piece, at).bytes;
      const auto found = ids_.find(piece.substr(at, length));
      if (found != ids_.end()) id = found->second;
    }
    if (id >= 0) {
      symbols.push_back({id});
      after_unk = false;
    } else {
      const auto character = piece.substr(at, length);
      append_unknown(maps_bytes_ ? std::string_view(alphabet_.character(byte)) : character, symbols,
                     after_unk);
    }
    at += length;
  }
  return symbols;
}

/// Merges the symbols of one piece until no known pair is left.
class Bpe::Merger {
 public:
  Merger(const Bpe& bpe, std::vector<Symbol>& symbols) : bpe_(bpe), symbols_(symbols) {}

  void run() {
    const auto count = static_cast<std::int32_t>(symbols_.size());
    std::vector<Candidate> first;
    first.reserve(symbols_.size());
    for (std::int32_t i = 0; i < count; ++i) {
      at(i).previous = i - 1;
      at(i).next = i + 1 < count ? i + 1 : -1;
      if (at(i).next < 0) break;
      if (const auto* merge = bpe_.find(at(i).id, at(i + 1).id)) {
        first.push_back({merge->rank, i, merge->id});
      }
    }
    queue_ = std::priority_queue<Candidate>({}, std::move(first));
    while (!queue_.empty()) {
      const auto top = queue_.top();
      queue_.pop();
      if (is_current(top)) merge(top);
    }
  }

 private:
  Symbol& at(std::int32_t position) { return symbols_[static_cast<std::size_t>(position)]; }

  /// Whether the pair at the position still becomes what it did when the candidate was noted.
  bool is_current(const Candidate& candidate) {
    const auto& left = at(candidate.position);
    if (left.id < 0 || left.next < 0) return false;
    const auto* merge = bpe_.find(left.id, at(left.next).id);
    return merge != nullptr && merge->id == candidate.id;
  }

  void merge(const Candidate& candidate) {
    auto& left = at(candidate.position);
    auto& right = at(left.next);
    left.id = candidate.id;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) at(left.next).previous = candidate.position;
    if (left.previous >= 0) note(left.previous);
    if (left.next >= 0) note(candidate.position);
  }

  void note(std::int32_t position) {
    const auto& left = at(position);
    if (const auto* merge = bpe_.find(left.id, at(left.next).id)) {
      queue_.push({merge->rank, position, merge->id});
    }
  }

  const Bpe& bpe_;
  std::vector<Symbol>& symbols_;
  std::priority_queue<Candidate> queue_;
};

void Bpe::encode_new(std::string_view piece, std::vector<std::int64_t>& ids) const {
  if (piece.size() > std::numeric_limits<std::int32_t>::max()) {
    fail("the text has a piece of ", piece.size(), " bytes, at most 2 GiB can be encoded at once");
  }
  if (settings_.ignore_merges) {
    const auto found = maps_bytes_ ? ids_.find(alphabet_.write(piece)) : ids_.find(piece);
    if (found != ids_.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  auto symbols = symbols_of(piece);
  Merger(*this, symbols).run();
  for (const auto& symbol : symbols) {
    if (symbol.id >= 0) ids.push_back(symbol.id);
  }
}

}  // namespace hone
