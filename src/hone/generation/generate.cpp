#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <ATen/ATen.h>
#include <torch/types.h>

#include <hone/base/error.h>
#include <hone/generation/generate.h>
#include <hone/generation/stop_text.h>

namespace hone {

/// One request while it is generated.
struct Generator::Request {
  Request(std::size_t request_index,
          const std::vector<std::int64_t>& prompt_ids,
          const GenerationConfig& generation_config,
          const Tokenizer& tokenizer,
          const Generator::OnText& text_callback,
          const Generator::OnDone& done_callback)
      : index(request_index),
        prompt(prompt_ids),
        config(generation_config),
        on_text(text_callback),
        on_done(done_callback),
        random(generation_config.seed ^ (0x9e3779b97f4a7c15 * (request_index + 1))),
        decoder(tokenizer),
        stop(generation_config.stop_strings) {}

  std::size_t index;
  const std::vector<std::int64_t>& prompt;
  const GenerationConfig& config;
  const Generator::OnText& on_text;
  const Generator::OnDone& on_done;
  SplitMix random;
  StreamDecoder decoder;
  StopText stop;
  Generation result;
  bool done = false;

  void show(const std::string& text) {
    result.text += text;
    if (on_text && !text.empty()) on_text(index, text);
  }

  void end(FinishReason reason) {
    if (!stop.stopped()) {
      show(stop.push(decoder.finish()));
      if (!stop.stopped()) show(stop.finish());
    }
    result.finish_reason = stop.stopped() ? FinishReason::kStopString : reason;
    done = true;
    if (on_done) on_done(index);
  }

  /// Tokens of the prompt and of the answer so far.
  std::int64_t tokens() const {
    return static_cast<std::int64_t>(prompt.size() + result.ids.size());
  }

  /// Every id so far.
  std::vector<std::int64_t> seen() const {
    auto ids = prompt;
    ids.insert(ids.end(), result.ids.begin(), result.ids.end());
    return ids;
  }

  void take(std::int64_t id, bool is_end, std::int64_t context) {
    if (is_end) return end(FinishReason::kEndToken);
    result.ids.push_back(id);
    show(stop.push(decoder.push(id)));
    const auto written = static_cast<std::int64_t>(result.ids.size());
    if (stop.stopped()) return end(FinishReason::kStopString);
    if (written >= config.max_new_tokens) return end(FinishReason::kLength);
    if (tokens() >= context) return end(FinishReason::kContextFull);
  }
};

void validate(const GenerationConfig& config) {
  validate(config.sampling);
  if (config.max_new_tokens < 1) throw std::invalid_argument("max_new_tokens must be at least 1");
  if (config.batch_size < 1) throw std::invalid_argument("batch_size must be at least 1");
}

const char* name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEndToken:
      return "stop";
    case FinishReason::kStopString:
      return "stop_string";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContextFull:
      return "context_full";
    case FinishReason::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

Generator::Generator(CausalLM model, Tokenizer tokenizer)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      end_ids_(model_->config.eos_token_ids) {
  if (const auto eos = tokenizer_.eos_id()) end_ids_.push_back(*eos);
  model_->eval();
}

bool Generator::is_end(std::int64_t id) const {
  return std::find(end_ids_.begin(), end_ids_.end(), id) != end_ids_.end();
}

void Generator::check_prompts(const std::vector<std::vector<std::int64_t>>& prompts) const {
  const auto context = model_->config.max_position_embeddings;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto tokens = static_cast<std::int64_t>(prompts[i].size());
    if (tokens == 0) fail("prompt ", i + 1, " is empty");
    if (tokens >= context) {
      fail("prompt ", i + 1, " has ", tokens,
           " tokens and leaves no room in the model's context of ", context);
    }
    for (const auto id : prompts[i]) {
      if (id < 0 || id >= model_->config.vocab_size)
        fail("prompt ", i + 1, ": id ", id, " is outside the vocabulary");
    }
  }
}

std::vector<Generation> Generator::generate(const std::vector<std::vector<std::int64_t>>& prompts,
                                            const GenerationConfig& config,
                                            const OnText& on_text,
                                            const OnDone& on_done,
                                            const std::function<bool()>& stop_requested) {
  validate(config);
  check_prompts(prompts);
  torch::NoGradGuard no_grad;
  model_->eval();
  std::vector<Generation> results(prompts.size());
  for (std::size_t first = 0; first < prompts.size();) {
    if (stop_requested && stop_requested()) break;
    const auto last = std::min(prompts.size(), first + static_cast<std::size_t>(config.batch_size));
    std::vector<Request> requests;
    requests.reserve(last - first);
    for (std::size_t i = first; i < last; ++i)
      requests.emplace_back(i, prompts[i], config, tokenizer_, on_text, on_done);
    run_batch(requests, stop_requested);
    for (auto& request : requests) results[request.index] = std::move(request.result);
    first = last;
  }
  return results;
}

std::int64_t Generator::longest_of(const std::vector<Request*>& active) {
  std::int64_t longest = 0;
  for (const auto* request : active) longest = std::max(longest, request->tokens());
  return longest;
}

Sequences Generator::sequences_of(const std::vector<Request*>& active) {
  std::vector<std::int64_t> ids, lengths;
  for (const auto* request : active) {
    const auto own = request->seen();
    ids.insert(ids.end(), own.begin(), own.end());
    lengths.push_back(request->tokens());
  }
  return {at::tensor(ids, at::kLong), lengths};
}

Sequences Generator::last_tokens_of(const std::vector<Request*>& active) {
  std::vector<std::int64_t> ids;
  for (const auto* request : active) ids.push_back(request->result.ids.back());
  return {at::tensor(ids, at::kLong), std::vector<std::int64_t>(active.size(), 1)};
}

void Generator::take_tokens(std::vector<Request*>& active, const Tensor& logits) {
  // Rows of the head beyond the tokenizer's ids are padding of the matrix, never tokens.
  const auto words = std::min(logits.size(1), tokenizer_.vocab_size());
  const auto scores = logits.narrow(1, 0, words).to(at::kFloat).contiguous();
  if (!at::isfinite(scores).all().item<bool>())
    fail("the model's logits are not finite: its weights or its adapter are damaged");
  for (std::size_t row = 0; row < active.size(); ++row) {
    auto& request = *active[row];
    const std::span<const float> own(
        scores.const_data_ptr<float>() + static_cast<std::int64_t>(row) * words,
        static_cast<std::size_t>(words));
    const auto& sampling = request.config.sampling;
    const auto seen =
        sampling.repetition_penalty == 1 ? std::vector<std::int64_t>{} : request.seen();
    const auto id = sample(own, sampling, seen, request.random);
    request.take(id, is_end(id), model_->config.max_position_embeddings);
  }
}

void Generator::run_batch(std::vector<Request>& requests,
                          const std::function<bool()>& stop_requested) {
  std::vector<Request*> active;
  for (auto& request : requests) active.push_back(&request);
  constexpr std::int64_t kFirstReserve = 64;  // new tokens the cache holds before it grows
  const auto count = static_cast<std::int64_t>(requests.size());
  auto cache = model_->make_cache(
      count, longest_of(active) + std::min(kFirstReserve, requests.front().config.max_new_tokens));
  auto sequences = sequences_of(active);
  while (true) {
    const auto hidden = model_->hidden_states(sequences, &cache);
    take_tokens(active, model_->logits(hidden.index_select(0, sequences.last_tokens())));
    std::vector<std::int64_t> kept;
    std::vector<Request*> going;
    for (std::size_t row = 0; row < active.size(); ++row) {
      if (active[row]->done) continue;
      kept.push_back(static_cast<std::int64_t>(row));
      going.push_back(active[row]);
    }
    if (going.empty()) return;
    if (stop_requested && stop_requested()) {
      for (auto* request : going) request->end(FinishReason::kInterrupted);
      return;
    }
    if (kept.size() < active.size()) cache.keep(kept);
    active = std::move(going);
    const bool starts_over = std::any_of(active.begin(), active.end(), [&](const Request* request) {
      const auto total = request->tokens();
      return model_->outgrows_cache(total - 1, total);
    });
    if (starts_over) {
      cache = model_->make_cache(static_cast<std::int64_t>(active.size()), longest_of(active));
      sequences = sequences_of(active);
    } else {
      sequences = last_tokens_of(active);
    }
  }
}

}  // namespace hone
