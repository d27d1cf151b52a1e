#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/convert.h>
#include <hone/data/record.h>

namespace hone {
namespace {

constexpr const char* kBlank = " \t\r\n";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kBlank) == std::string_view::npos;
}

void count(std::vector<ConvertCount>& counts, const std::string& what, const std::string& place) {
  auto found = std::find_if(counts.begin(), counts.end(),
                            [&](const auto& known) { return known.what == what; });
  if (found == counts.end()) found = counts.insert(counts.end(), {what, 0, place});
  ++found->count;
}

TokenizedRow make_row(const std::vector<std::int64_t>& ids,
                      const std::vector<std::int64_t>& labels) {
  return {{ids.begin(), ids.end()}, {labels.begin(), labels.end()}};
}

std::string role_of(const Json& message) {
  return message["role"].get<std::string>();
}

bool is_reply(const Json& message) {
  return message["role"] == "assistant";
}

/// Whether `next` continues the turn of `turn`, as text alone.
bool same_turn(const Json& turn, const Json& next) {
  const auto role = role_of(next);
  return role_of(turn) == role && (role == "user" || role == "assistant") && turn.size() == 2 &&
         next.size() == 2;
}

/// A conversation ready for its template.
struct Tidied {
  Json messages = Json::array();
  std::size_t context = 0;  // first messages in which nothing is trained
  bool merged = false;
  bool trimmed = false;
};

Tidied tidy(const Record& record) {
  Tidied tidied;
  auto& messages = tidied.messages;
  for (std::size_t i = 0; i < record.messages.size(); ++i) {
    const auto& message = record.messages[i];
    const bool is_boundary =
        i == record.prompt_messages;  // what is trained is not merged with what is not
    if (!messages.empty() && !is_boundary && same_turn(messages.back(), message)) {
      messages.back()["content"] = messages.back()["content"].get<std::string>() + "\n" +
                                   message["content"].get<std::string>();
      tidied.merged = true;
    } else {
      messages.push_back(message);
    }
    if (i < record.prompt_messages) tidied.context = messages.size();
  }
  while (messages.size() > tidied.context && !is_reply(messages.back())) {
    messages.erase(messages.size() - 1);
    tidied.trimmed = true;
  }
  return tidied;
}

bool has_empty_reply(const Tidied& tidied) {
  return std::any_of(tidied.messages.begin() + static_cast<std::ptrdiff_t>(tidied.context),
                     tidied.messages.end(), [](const Json& message) {
                       return is_reply(message) && !message.contains("tool_calls") &&
                              is_blank(message["content"].get_ref<const std::string&>());
                     });
}

/// So many first messages of a conversation are context under `TrainOn::kLast`: all before the last
/// reply.
std::size_t before_last_reply(const Json& messages) {
  std::size_t last = messages.size();
  while (last > 0 && !is_reply(messages[last - 1])) --last;
  return last == 0 ? 0 : last - 1;
}

}  // namespace

std::vector<std::int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt) {
  auto ids = tokenizer.encode(prompt);
  const auto added = tokenizer.encode("", {.add_special_tokens = true});
  const auto bos = tokenizer.bos_id();
  const bool adds_bos = bos && !added.empty() && added.front() == *bos;
  if (adds_bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

Converter::Converter(Tokenizer tokenizer,
                     std::optional<ChatTemplate> chat_template,
                     ConvertOptions options)
    : tokenizer_(std::move(tokenizer)), template_(std::move(chat_template)), options_(options) {
  validate(options_);
}

Converter Converter::with_empty_summary() const {
  return {tokenizer_, template_, options_};
}

TokenizedHeader Converter::header() const {
  return {.tokenizer = tokenizer_.hash(),
          .chat_template = template_ ? template_->hash() : "",
          .max_length = options_.max_length};
}

std::optional<TokenizedRow> Converter::convert(const Record& record) {
  ++summary_.read;
  auto row = record.messages.is_null() ? encode_text(record) : encode_chat(record);
  if (!row || !fit(record, *row)) return std::nullopt;
  ++summary_.written;
  const auto length = static_cast<std::int64_t>(row->input_ids.size());
  summary_.tokens += length;
  summary_.trained_tokens += count_trained(*row);
  summary_.longest = std::max(summary_.longest, length);
  return row;
}

/// Applies the rules that hold for every row; says whether it is kept.
bool Converter::fit(const Record& record, TokenizedRow& row) {
  const auto limit = static_cast<std::size_t>(options_.max_length);
  if (options_.train_on == TrainOn::kAll) row.labels = row.input_ids;
  if (!row.labels.empty()) row.labels[0] = kIgnoredLabel;
  const bool had_targets = count_trained(row) > 0;
  if (limit > 0 && row.input_ids.size() > limit) {
    if (options_.overflow == Overflow::kDrop) {
      count(summary_.dropped, concat("longer than ", limit, " tokens"), record.place);
      return false;
    }
    if (options_.overflow == Overflow::kError) {
      fail(record.place, ": the example has ", row.input_ids.size(), " tokens, max_length is ",
           limit, "; raise it or choose another --overflow");
    }
    truncate(row, limit, options_.overflow);
    if (count_trained(row) > 0)
      count(summary_.noted, concat("cut at ", limit, " tokens"), record.place);
  }
  if (count_trained(row) > 0) return true;
  count(summary_.dropped,
        had_targets ? concat("answer does not fit in ", limit, " tokens") : "no token to train on",
        record.place);
  return false;
}

std::optional<TokenizedRow> Converter::encode_text(const Record& record) {
  if (is_blank(record.completion)) {
    count(summary_.dropped, "reply is empty", record.place);
    return std::nullopt;
  }
  if (!record.prompt.empty() &&
      is_blank(std::string_view(record.prompt).substr(record.prompt.size() - 1))) {
    count(summary_.noted, "prompt ends in white space; put the space before the completion instead",
          record.place);
  }
  auto ids = encode_prompt(tokenizer_, record.prompt);
  std::vector<std::int64_t> labels(ids.size(), kIgnoredLabel);
  auto reply = tokenizer_.encode(record.completion, {.continuation = true});
  const auto eos = tokenizer_.eos_id();
  if (options_.append_eos) {
    if (!eos)
      fail(
          "the tokenizer has no end token; without one (append_eos off) the model cannot learn to "
          "stop");
    if (reply.empty() || reply.back() != *eos) reply.push_back(*eos);
  }
  ids.insert(ids.end(), reply.begin(), reply.end());
  labels.insert(labels.end(), reply.begin(), reply.end());
  return make_row(ids, labels);
}

std::optional<TokenizedRow> Converter::encode_chat(const Record& record) {
  if (!template_)
    fail(record.place,
         ": a conversation, but the model has no chat template; give one by --chat-template");
  auto tidied = tidy(record);
  if (tidied.messages.size() == tidied.context) {
    count(summary_.dropped, "no reply", record.place);
    return std::nullopt;
  }
  if (has_empty_reply(tidied)) {
    count(summary_.dropped, "reply is empty", record.place);
    return std::nullopt;
  }
  if (tidied.merged) count(summary_.noted, "turns of the same role merged", record.place);
  if (tidied.trimmed) count(summary_.noted, "turns behind the last reply removed", record.place);
  ChatOptions options;
  if (!record.tools.is_null()) options.tools = &record.tools;
  const auto ids = render(record, tidied.messages, options);
  auto row = make_row(ids.input_ids, ids.labels);
  if (options_.train_on == TrainOn::kLast) tidied.context = before_last_reply(tidied.messages);
  if (tidied.context > 0 && options_.train_on != TrainOn::kAll) {
    const Json context(tidied.messages.begin(),
                       tidied.messages.begin() + static_cast<std::ptrdiff_t>(tidied.context));
    ignore_context(record, context, options, row);
  }
  return row;
}

/// Sets the labels of the first messages, `context`, to -100.
void Converter::ignore_context(const Record& record,
                               const Json& context,
                               const ChatOptions& options,
                               TokenizedRow& row) const {
  const auto prefix = render(record, context, options).input_ids;
  if (prefix.size() > row.input_ids.size() ||
      !std::equal(prefix.begin(), prefix.end(), row.input_ids.begin())) {
    fail(record.place,
         ": the chat template writes the earlier turns differently when more follow; "
         "training on a part of the conversation is not possible with it");
  }
  std::fill(row.labels.begin(), row.labels.begin() + static_cast<std::ptrdiff_t>(prefix.size()),
            kIgnoredLabel);
}

ChatTemplate::Ids Converter::render(const Record& record,
                                    const Json& messages,
                                    const ChatOptions& options) const {
  try {
    return template_->encode(messages, tokenizer_, options);
  } catch (const Error& error) {
    fail(record.place, ": ", error.what());
  }
}

Converted convert(const std::vector<Record>& records,
                  const Tokenizer& tokenizer,
                  const std::optional<ChatTemplate>& chat_template,
                  const ConvertOptions& options) {
  Converter converter(tokenizer, chat_template, options);
  Converted converted;
  for (const auto& record : records) {
    if (auto row = converter.convert(record)) converted.rows.push_back(std::move(*row));
  }
  converted.summary = converter.summary();
  if (converted.rows.empty()) {
    const auto& dropped = converted.summary.dropped;
    fail("no trainable tokens: all ", converted.summary.read, " examples dropped",
         dropped.empty() ? "" : ", first " + dropped[0].first_place + ": " + dropped[0].what);
  }
  return converted;
}

}  // namespace hone
