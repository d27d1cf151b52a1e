// SentencePiece `.model` files, encoded by the sentencepiece library.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hone/text/tokenizer_parts.h>

namespace hone {

/// A loaded model that encodes with or without the dummy space in front.
class SentencePieceModel {
 public:
  /// Throws `Error` starting with `place` where `bytes` are no SentencePiece model.
  SentencePieceModel(std::string bytes, const std::string& place);
  ~SentencePieceModel();
  SentencePieceModel(SentencePieceModel&&) noexcept;
  SentencePieceModel& operator=(SentencePieceModel&&) noexcept;

  /// Appends the ids of `text` (valid UTF-8). `prefix`: put a space in front if the model was
  /// trained so.
  void encode(std::string_view text, bool prefix, std::vector<std::int64_t>& ids) const;

  /// The file's own bytes.
  const std::string& bytes() const { return bytes_; }

  /// Pieces as vocabulary, control and unknown pieces as special tokens, bos, eos, pad and unk by
  /// name, a decoder that undoes the marking of spaces.
  TokenizerParts parts() const;

 private:
  struct Processors;
  struct Spec;
  void encode_whole(std::string_view text, bool prefix, std::vector<std::int64_t>& ids) const;
  void encode_word(std::string_view word, std::vector<std::int64_t>& ids) const;
  bool may_cut(const Spec& spec) const;
  ScoredPieces pieces() const;

  std::string bytes_;
  std::string place_;
  bool adds_prefix_ = true;
  bool cuts_ = false;  ///< a text may be encoded word by word
  std::unique_ptr<Processors> processors_;
};

}  // namespace hone
