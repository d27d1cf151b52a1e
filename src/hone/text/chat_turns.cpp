#include <algorithm>

#include <hone/text/chat_turns.h>
#include <hone/text/jinja_unicode.h>

namespace hone {
namespace {

using jinja::Tag;
using jinja::Text;

/// Appends `range`, joined to the last one where they touch.
void add_range(std::vector<TextRange>& ranges, TextRange range) {
  if (range.begin >= range.end) return;
  if (!ranges.empty() && range.begin <= ranges.back().end) {
    ranges.back().end = std::max(ranges.back().end, range.end);
  } else {
    ranges.push_back(range);
  }
}

/// Characters of one message with nothing but the template's words between them.
struct Stretch {
  std::size_t message = 0;
  TextRange range;
  std::size_t free_from = 0;  // the template wrote everything from here to range.begin
  std::size_t free_to = 0;    // and from range.end to here
};

std::vector<Stretch> message_stretches(const Text& text) {
  std::vector<Stretch> stretches;
  std::size_t last_end = 0;  // of the last run that is not the template's
  bool open = false;         // the last stretch may still grow
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    const auto source = jinja::source_of(tag);
    if (source == 0) return;
    const bool grows =
        open && source > 0 && stretches.back().message + 1 == static_cast<std::size_t>(source);
    if (open && !grows) stretches.back().free_to = begin;
    if (grows) {
      stretches.back().range.end = end;
    } else if (source > 0) {
      stretches.push_back(
          {static_cast<std::size_t>(source) - 1, {begin, end}, last_end, text.size()});
    }
    open = source > 0;
    last_end = end;
  });
  return stretches;
}

class TurnFinder {
 public:
  TurnFinder(const Text& text, const TurnRules& rules) : text_(text.bytes()), rules_(rules) {
    for (const std::string& token : rules.special) {
      if (!token.empty() && rules.header.starts_with(token)) header_token_ = token;
    }
  }

  TextRange turn(const Stretch& stretch, bool has_tool_calls, bool first) const {
    return {start(stretch, first), end(stretch, has_tool_calls)};
  }

 private:
  std::size_t start(const Stretch& stretch, bool first) const {
    if (const auto behind = behind_header(stretch)) return *behind;
    if (first && rules_.prompt_before) {
      const auto prompt = rules_.prompt_before(stretch.message);
      if (prompt && prompt->size() >= stretch.free_from && prompt->size() <= stretch.range.begin &&
          text_.starts_with(*prompt) && !holds_token(prompt->size(), stretch.range.begin)) {
        return prompt->size();
      }
    }
    return stretch.range.begin;
  }

  /// Behind the header in front of the message or, where the header's end is the message's own
  /// first words, around its first character.
  std::optional<std::size_t> behind_header(const Stretch& stretch) const {
    const std::string& header = rules_.header;
    const std::size_t first = stretch.range.begin;
    if (header.empty()) return std::nullopt;
    if (first >= header.size()) {
      const auto found = text_.rfind(header, first - header.size());
      if (found != std::string::npos && found >= stretch.free_from &&
          same_turn(found + header.size(), first)) {
        return found + header.size();
      }
    }
    const std::size_t earliest =
        std::max(stretch.free_from, first - std::min(first, header.size() - 1));
    for (std::size_t begin = earliest; begin < first; ++begin) {
      if (begin + header.size() <= stretch.range.end &&
          text_.compare(begin, header.size(), header) == 0) {
        return begin + header.size();
      }
    }
    return std::nullopt;
  }

  /// Whether no other turn ends or starts in `begin` .. `end`.
  bool same_turn(std::size_t begin, std::size_t end) const {
    const auto between = std::string_view(text_).substr(begin, end - begin);
    if (rules_.eos && !rules_.eos->empty() && between.find(*rules_.eos) != std::string_view::npos)
      return false;
    return header_token_.empty() || between.find(header_token_) == std::string_view::npos;
  }

  std::size_t end(const Stretch& stretch, bool has_tool_calls) const {
    const std::size_t last = stretch.range.end;
    for (std::size_t at = last; at < stretch.free_to;) {
      if (const std::size_t token = token_at(at, stretch.free_to); token > 0) return at + token;
      if (!jinja::is_space(jinja::next_code(text_, at))) break;
    }
    return has_tool_calls ? end_behind_calls(stretch) : last;
  }

  /// Whether a control token begins in `begin` .. `end`: then there is a header, although the
  /// template adds none for a prompt.
  bool holds_token(std::size_t begin, std::size_t end) const {
    for (std::size_t at = begin; at < end; ++at) {
      if (token_at(at, end) > 0) return true;
    }
    return false;
  }

  /// Behind tool calls the template closes brackets and tags first.
  std::size_t end_behind_calls(const Stretch& stretch) const {
    auto rest =
        std::string_view(text_).substr(stretch.range.end, stretch.free_to - stretch.range.end);
    if (!rules_.header.empty()) rest = rest.substr(0, rest.find(rules_.header));
    if (rules_.eos && !rules_.eos->empty()) {
      if (const auto eos = rest.find(*rules_.eos); eos != std::string_view::npos) {
        return stretch.range.end + eos + rules_.eos->size();
      }
    }
    for (std::size_t at = 0; at < rest.size(); ++at) {
      const std::size_t begin = stretch.range.end + at;
      if (const std::size_t token = token_at(begin, stretch.range.end + rest.size()); token > 0)
        return begin + token;
    }
    return stretch.range.end;
  }

  /// The length of the longest control token at `begin` that ends before `end`; 0 where there is
  /// none.
  std::size_t token_at(std::size_t begin, std::size_t end) const {
    std::size_t longest = 0;
    for (const std::string& token : rules_.special) {
      if (token.size() > longest && begin + token.size() <= end &&
          text_.compare(begin, token.size(), token) == 0) {
        longest = token.size();
      }
    }
    return longest;
  }

  const std::string& text_;
  const TurnRules& rules_;
  std::string header_token_;  // the control token that the header starts with
};

}  // namespace

std::string generation_header(const std::string& plain,
                              const std::string& prompted,
                              const std::vector<std::size_t>& writes) {
  const auto differ = std::mismatch(plain.begin(), plain.end(), prompted.begin(), prompted.end());
  auto same = static_cast<std::size_t>(differ.first - plain.begin());
  if (same < plain.size()) {
    // Both go on with something, whose first characters may be equal: go back to where the template
    // wrote it.
    const auto later = std::upper_bound(writes.begin(), writes.end(), same);
    same = later == writes.begin() ? 0 : *(later - 1);
  }
  return prompted.substr(same);
}

std::vector<TextRange> find_turns(const Text& text,
                                  const std::vector<AssistantMessage>& assistants,
                                  const TurnRules& rules) {
  const TurnFinder finder(text, rules);
  std::vector<TextRange> turns;
  std::vector<bool> seen(assistants.size(), false);
  for (const Stretch& stretch : message_stretches(text)) {
    const auto found = std::ranges::find(assistants, stretch.message, &AssistantMessage::index);
    if (found == assistants.end()) continue;
    const auto place = static_cast<std::size_t>(found - assistants.begin());
    add_range(turns, finder.turn(stretch, found->has_tool_calls, !seen[place]));
    seen[place] = true;
  }
  return turns;
}

std::vector<TextRange> generated_ranges(const Text& text) {
  std::vector<TextRange> ranges;
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    if (jinja::is_generated(tag)) add_range(ranges, {begin, end});
  });
  return ranges;
}

std::vector<TextRange> template_ranges(const Text& text) {
  std::vector<TextRange> ranges;
  text.for_each_run([&](std::size_t begin, std::size_t end, Tag tag) {
    if (jinja::source_of(tag) == 0) add_range(ranges, {begin, end});
  });
  return ranges;
}

}  // namespace hone
