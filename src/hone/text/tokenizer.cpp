#include <hone/text/tokenizer.h>
#include <hone/text/tokenizer_model.h>

namespace hone {

std::vector<std::int64_t> Tokenizer::encode(std::string_view text,
                                            const EncodeOptions& options) const {
  return model_->encode(text, options);
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids, bool skip_special_tokens) const {
  std::string text;
  DecodeState state;
  for (const auto id : ids) model_->decode(id, skip_special_tokens, state, text);
  model_->finish(state, text);
  return text;
}

std::int64_t Tokenizer::vocab_size() const {
  return model_->size();
}
std::optional<std::int64_t> Tokenizer::id_of(std::string_view token) const {
  return model_->id_of(token);
}
std::string Tokenizer::token_of(std::int64_t id) const {
  return model_->token_of(id);
}
bool Tokenizer::is_special(std::int64_t id) const {
  return model_->is_special(id);
}
std::optional<std::int64_t> Tokenizer::bos_id() const {
  return model_->bos();
}
std::optional<std::int64_t> Tokenizer::eos_id() const {
  return model_->eos();
}
std::optional<std::int64_t> Tokenizer::pad_id() const {
  return model_->pad();
}
const std::string& Tokenizer::chat_template() const {
  return model_->chat_template();
}
std::string Tokenizer::hash() const {
  return model_->hash();
}

StreamDecoder::StreamDecoder(Tokenizer tokenizer, bool skip_special_tokens)
    : tokenizer_(std::move(tokenizer)), skip_special_tokens_(skip_special_tokens) {}

std::string StreamDecoder::push(std::int64_t id) {
  std::string text;
  tokenizer_.model().decode(id, skip_special_tokens_, state_, text);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  tokenizer_.model().finish(state_, text);
  return text;
}

}  // namespace hone
