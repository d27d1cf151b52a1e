#include <algorithm>
#include <utility>

#include <hone/base/error.h>
#include <hone/data/convert.h>
#include <hone/data/record.h>
#include <hone/data/turns.h>

namespace hone {
namespace {

TokenizedRow make_row(const std::vector<std::int64_t>& ids,
                      const std::vector<std::int64_t>& labels) {
  return {{ids.begin(), ids.end()}, {labels.begin(), labels.end()}};
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
    if (is_boundary) {
      messages.push_back(message);
    } else {
      tidied.merged |= append_turn(messages, message);
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
                     tidied.messages.end(), is_empty_reply);
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

void Converter::drop(const Record& record, const std::string& what) {
  summary_.dropped.add(what, record.place);
}

void Converter::note(const Record& record, const std::string& what) {
  summary_.noted.add(what, record.place);
}

bool Converter::convert(const Record& record, TokenizedLines& lines) {
  if (record.kind == RecordKind::kSft) {
    const auto row = convert(record);
    if (row) append(lines, *row);
    return row.has_value();
  }
  const auto row = convert_prompted(record);
  if (row) append(lines, *row, record.kind);
  return row.has_value();
}

std::optional<TokenizedRow> Converter::convert(const Record& record) {
  if (record.kind != RecordKind::kSft)
    fail(record.place, ": an example of kind ", kind_name(record.kind), ", wanted is sft");
  ++summary_.read;
  auto row = record.messages.is_null() ? encode_text(record) : encode_chat(record);
  if (!row || !fit(record, *row)) return std::nullopt;
  const auto length = static_cast<std::int64_t>(row->input_ids.size());
  count_written(length, count_trained(*row), length);
  return row;
}

void Converter::count_written(std::int64_t tokens, std::int64_t trained, std::int64_t longest) {
  ++summary_.written;
  summary_.tokens += tokens;
  summary_.trained_tokens += trained;
  summary_.longest = std::max(summary_.longest, longest);
}

void Converter::require_template(const Record& record) const {
  if (!template_)
    fail(record.place,
         ": a conversation, but the model has no chat template; give one by --chat-template");
}

/// Whether a row of `length` tokens, more than allowed, is to be cut; it is dropped otherwise.
bool Converter::may_cut(const Record& record, std::size_t length) {
  if (options_.overflow == Overflow::kError) {
    fail(record.place, ": the example has ", length, " tokens, max_length is ", options_.max_length,
         "; raise it or choose another --overflow");
  }
  if (options_.overflow != Overflow::kDrop) return true;
  drop(record, concat("longer than ", options_.max_length, " tokens"));
  return false;
}

/// Applies the rules that hold for every row; says whether it is kept.
bool Converter::fit(const Record& record, TokenizedRow& row) {
  const auto limit = static_cast<std::size_t>(options_.max_length);
  if (options_.train_on == TrainOn::kAll) row.labels = row.input_ids;
  if (!row.labels.empty()) row.labels[0] = kIgnoredLabel;
  const bool had_targets = count_trained(row) > 0;
  if (limit > 0 && row.input_ids.size() > limit) {
    if (!may_cut(record, row.input_ids.size())) return false;
    truncate(row, limit, options_.overflow);
    if (count_trained(row) > 0) note(record, concat("cut at ", limit, " tokens"));
  }
  if (count_trained(row) > 0) return true;
  drop(record,
       had_targets ? concat("answer does not fit in ", limit, " tokens") : "no token to train on");
  return false;
}

/// `text` as a continuation, with the end token where that is asked for and not there yet.
std::vector<std::int64_t> Converter::encode_reply(std::string_view text, bool continues) const {
  auto ids = tokenizer_.encode(text, {.continuation = continues});
  if (!options_.append_eos) return ids;
  const auto eos = tokenizer_.eos_id();
  if (!eos)
    fail(
        "the tokenizer has no end token; without one (append_eos off) the model cannot learn to "
        "stop");
  if (ids.empty() || ids.back() != *eos) ids.push_back(*eos);
  return ids;
}

void Converter::note_space_behind_prompt(const Record& record) {
  if (!record.prompt.empty() &&
      is_blank(std::string_view(record.prompt).substr(record.prompt.size() - 1)))
    note(record, "prompt ends in white space; put the space before the completion instead");
}

std::optional<TokenizedRow> Converter::encode_text(const Record& record) {
  if (is_blank(record.completion)) {
    drop(record, record.is_document ? "text is empty" : "reply is empty");
    return std::nullopt;
  }
  note_space_behind_prompt(record);
  auto ids = encode_prompt(tokenizer_, record.prompt);
  std::vector<std::int64_t> labels(ids.size(), kIgnoredLabel);
  const auto reply = encode_reply(record.completion, !record.is_document);
  ids.insert(ids.end(), reply.begin(), reply.end());
  labels.insert(labels.end(), reply.begin(), reply.end());
  return make_row(ids, labels);
}

std::optional<TokenizedRow> Converter::encode_chat(const Record& record) {
  require_template(record);
  auto tidied = tidy(record);
  if (tidied.messages.size() == tidied.context) {
    drop(record, "no reply");
    return std::nullopt;
  }
  if (has_empty_reply(tidied)) {
    drop(record, "reply is empty");
    return std::nullopt;
  }
  if (tidied.merged) note(record, "turns of the same role merged");
  if (tidied.trimmed) note(record, "turns behind the last reply removed");
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
    const auto& dropped = converted.summary.dropped.entries();
    fail("no trainable tokens: all ", converted.summary.read, " examples dropped",
         dropped.empty() ? "" : ", first " + dropped[0].first_place + ": " + dropped[0].what);
  }
  return converted;
}

}  // namespace hone
