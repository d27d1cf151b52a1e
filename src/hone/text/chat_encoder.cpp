#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <hone/text/chat_encoder.h>
#include <hone/text/jinja_unicode.h>

namespace hone {
namespace {

constexpr std::int64_t kIgnored = -100;

std::size_t behind_spaces(std::string_view text, std::size_t begin, std::size_t end) {
  while (begin < end) {
    std::size_t next = begin;
    if (!jinja::is_space(jinja::next_code(text, next))) break;
    begin = next;
  }
  return std::min(begin, end);
}

std::size_t before_spaces(std::string_view text, std::size_t begin, std::size_t end) {
  while (end > begin) {
    const std::size_t start = jinja::previous_start(text, end);
    std::size_t position = start;
    if (!jinja::is_space(jinja::next_code(text, position))) break;
    end = start;
  }
  return std::max(begin, end);
}

/// How a tokenizer treats the text around one of its control tokens, found out by asking it.
struct Habits {
  std::optional<std::int64_t> id;  // nothing where the tokenizer does not know the token
  bool swallows_before = false;    // white space in front of the token belongs to it
  bool swallows_behind = false;
  bool continues = true;  // text behind it starts like text in the middle, without a dummy prefix
};

class ChatEncoder {
 public:
  ChatEncoder(const RenderedChat& chat, const Tokenizer& tokenizer)
      : text_(chat.text.bytes()), trained_(chat.trained), tokenizer_(tokenizer) {}

  std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> run(
      const std::vector<ControlMark>& marks) {
    std::size_t at = 0;
    for (const ControlMark& mark : marks) {
      const Habits& habits = habits_of(mark.token);
      if (!habits.id || mark.range.begin < at) continue;
      const std::size_t end =
          habits.swallows_before ? before_spaces(text_, at, mark.range.begin) : mark.range.begin;
      encode(at, end);
      add({*habits.id}, trained(mark.range.begin));
      at = habits.swallows_behind ? behind_spaces(text_, mark.range.end, text_.size())
                                  : mark.range.end;
      continues_ = habits.continues;
    }
    encode(at, text_.size());
    return {std::move(ids_), std::move(labels_)};
  }

 private:
  bool trained(std::size_t at) const {
    return std::ranges::any_of(
        trained_, [at](const TextRange& range) { return range.begin <= at && at < range.end; });
  }

  void add(const std::vector<std::int64_t>& ids, bool is_trained) {
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    labels_.insert(labels_.end(), ids.begin(), ids.end());
    if (!is_trained)
      std::fill(labels_.end() - static_cast<std::ptrdiff_t>(ids.size()), labels_.end(), kIgnored);
  }

  /// Text between control tokens, cut where training starts or ends.
  void encode(std::size_t begin, std::size_t end) {
    while (begin < end) {
      std::size_t cut = end;
      for (const TextRange& range : trained_) {
        for (const std::size_t edge : {range.begin, range.end}) {
          if (edge > begin && edge < cut) cut = edge;
        }
      }
      EncodeOptions options;
      options.parse_special_tokens = false;
      options.continuation = continues_;
      add(tokenizer_.encode(std::string_view(text_).substr(begin, cut - begin), options),
          trained(begin));
      continues_ = true;
      begin = cut;
    }
  }

  std::vector<std::int64_t> ask(const std::string& text, bool continuation = false) const {
    EncodeOptions options;
    options.continuation = continuation;
    return tokenizer_.encode(text, options);
  }

  const Habits& habits_of(const std::string& token) {
    const auto [found, is_new] = habits_.try_emplace(token);
    if (!is_new) return found->second;
    Habits& habits = found->second;
    const auto alone = ask(token);
    if (alone.size() != 1) return habits;
    habits.id = alone[0];
    habits.swallows_behind = ask(token + " ").size() == 1;
    auto before = ask("a");
    before.push_back(alone[0]);
    habits.swallows_before = ask("a " + token) == before;
    auto behind = ask("a", true);
    behind.insert(behind.begin(), alone[0]);
    habits.continues = ask(token + "a") == behind;
    return habits;
  }

  const std::string& text_;
  const std::vector<TextRange>& trained_;
  const Tokenizer& tokenizer_;
  std::map<std::string, Habits> habits_;
  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> labels_;
  bool continues_ = false;
};

}  // namespace

std::vector<ControlMark> find_control_tokens(const jinja::Text& text, const ControlTokens& tokens) {
  std::array<std::vector<const std::string*>, 256> by_first;
  const auto add = [&](const std::string& token) {
    if (!token.empty()) by_first[static_cast<unsigned char>(token[0])].push_back(&token);
  };
  for (const std::string& token : tokens.special) add(token);
  if (tokens.bos) add(*tokens.bos);
  if (tokens.eos) add(*tokens.eos);
  std::vector<ControlMark> marks;
  const std::string& bytes = text.bytes();
  for (const TextRange& range : template_ranges(text)) {
    for (std::size_t at = range.begin; at < range.end;) {
      const std::string* longest = nullptr;
      for (const std::string* token : by_first[static_cast<unsigned char>(bytes[at])]) {
        const bool longer = longest == nullptr || token->size() > longest->size();
        if (longer && at + token->size() <= range.end &&
            bytes.compare(at, token->size(), *token) == 0)
          longest = token;
      }
      if (longest != nullptr) marks.push_back({{at, at + longest->size()}, *longest});
      at += longest != nullptr ? longest->size() : 1;
    }
  }
  return marks;
}

std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> encode_chat(
    const RenderedChat& chat, const ControlTokens& tokens, const Tokenizer& tokenizer) {
  return ChatEncoder(chat, tokenizer).run(find_control_tokens(chat.text, tokens));
}

std::vector<ChatPiece> pieces_of(const RenderedChat& chat) {
  std::vector<ChatPiece> pieces;
  auto turn = chat.trained.begin();
  chat.text.for_each_run([&](std::size_t begin, std::size_t end, jinja::Tag tag) {
    while (begin < end) {
      while (turn != chat.trained.end() && turn->end <= begin) ++turn;
      const bool trained = turn != chat.trained.end() && turn->begin <= begin;
      const std::size_t limit = turn == chat.trained.end() ? end
                                : trained                  ? turn->end
                                                           : turn->begin;
      const std::size_t cut = std::min(end, limit);
      const bool from_message = jinja::source_of(tag) != 0;
      if (pieces.empty() || pieces.back().from_message != from_message ||
          pieces.back().trained != trained) {
        pieces.push_back({"", from_message, trained});
      }
      pieces.back().text.append(chat.text.bytes(), begin, cut - begin);
      begin = cut;
    }
  });
  return pieces;
}

}  // namespace hone
