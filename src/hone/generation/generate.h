// Generation: prompts in, texts out, many at a time over one cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <hone/causal_lm.h>
#include <hone/generation/sampling.h>
#include <hone/text/tokenizer.h>

namespace hone {

/// How long and how texts are generated, under transformers' names.
struct GenerationConfig {
  SamplingConfig sampling = {};
  std::int64_t max_new_tokens = 256;           ///< tokens generated at most, at least 1
  std::vector<std::string> stop_strings = {};  ///< end a text where one appears; not part of it
  std::uint64_t seed = 0;        ///< request i of a call draws with a seed made of this one and i
  std::int64_t batch_size = 32;  ///< texts generated at the same time

  bool operator==(const GenerationConfig&) const = default;
};

/// Throws `std::invalid_argument` naming the first field that is out of range.
void validate(const GenerationConfig& config);

/// Why a text ended.
enum class FinishReason {
  kEndToken,     ///< the model wrote one of its end tokens
  kStopString,   ///< a stop string appeared
  kLength,       ///< `max_new_tokens` are written
  kContextFull,  ///< the model's context is used up
  kInterrupted,  ///< the call was asked to stop; the text is cut
};

/// `stop`, `length` and so on, as it is written to files.
const char* name_of(FinishReason reason);

/// One generated text.
struct Generation {
  std::vector<std::int64_t> ids;  ///< tokens written, the end token not among them
  std::string text;               ///< their text, cut at a stop string
  FinishReason finish_reason = FinishReason::kLength;
};

/// Generates one text for each prompt. A request's text does not depend on the others in the batch
/// (in fp32 but for rounding).
class Generator {
 public:
  /// `model` is used in evaluation mode. End tokens are the model's and the tokenizer's.
  Generator(CausalLM model, Tokenizer tokenizer);

  /// Called for each piece of text as it becomes certain: index of the request, text.
  using OnText = std::function<void(std::size_t, const std::string&)>;

  /// Called with a request's index when its text is complete.
  using OnDone = std::function<void(std::size_t)>;

  /// `prompts`: ids of each request. The callbacks may be empty. `stop_requested` ends the call
  /// early: texts not complete are then cut. Throws `Error` for an empty prompt, one that leaves no
  /// room in the model's context, and ids outside the vocabulary.
  std::vector<Generation> generate(const std::vector<std::vector<std::int64_t>>& prompts,
                                   const GenerationConfig& config,
                                   const OnText& on_text = {},
                                   const OnDone& on_done = {},
                                   const std::function<bool()>& stop_requested = {});

  bool is_end(std::int64_t id) const;

 private:
  struct Request;
  void check_prompts(const std::vector<std::vector<std::int64_t>>& prompts) const;
  void run_batch(std::vector<Request>& requests, const std::function<bool()>& stop_requested);
  static std::int64_t longest_of(const std::vector<Request*>& active);
  static Sequences sequences_of(const std::vector<Request*>& active);    // the whole texts
  static Sequences last_tokens_of(const std::vector<Request*>& active);  // the newest of each
  void take_tokens(std::vector<Request*>& active, const Tensor& logits);

  CausalLM model_;
  Tokenizer tokenizer_;
  std::vector<std::int64_t> end_ids_;
};

}  // namespace hone
