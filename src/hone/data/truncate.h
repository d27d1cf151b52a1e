// Rows that are longer than a model may read: which of their tokens stay.
#pragma once

#include <cstddef>
#include <string>

#include <hone/data/prompted_row.h>
#include <hone/data/tokenized.h>

namespace hone {

/// What becomes of a row that is longer than `max_length`. The names are TRL's and
/// LLaMA-Factory's.
enum class Overflow {
  kDrop,          ///< `drop`: it is dropped and counted
  kKeepStart,     ///< `keep_start`: its first tokens are kept
  kKeepEnd,       ///< `keep_end`: its last tokens are kept
  kProportional,  ///< `proportional`: prompts and answers are cut by their shares, see `truncate`
  kError,         ///< `error`: the conversion ends there
};

/// The policy called `name`; `-` may stand for `_`. Throws `Error` for another name.
Overflow overflow(const std::string& name);

/// Cuts `row` to `limit` tokens by `policy`, one of those that keep something. The first label of
/// what is left is -100.
///
/// `kProportional` takes a row as turns, each a prompt (untrained tokens) and an answer (the
/// trained ones behind), and goes through them while room is left. A turn of `s` and `t` tokens
/// that does not fit into the room `c` keeps the first `t'` of its answer and the first `min(s, c -
/// t')` of its prompt, where t' = min(t, m) and m = c where 2t < c (the prompt gives way), c - s
/// where 2s < c (the answer does), else floor(c t / (s + t)); the rule is LLaMA-Factory's
/// `infer_seqlen`.
void truncate(TokenizedRow& row, std::size_t limit, Overflow policy);

/// Cuts `row` so that its prompt and longest answer have at most `limit` tokens: `kKeepStart` takes
/// from the end of answers, `kKeepEnd` from the start of the prompt, `kProportional` as above from
/// the ends of both. Prompt or answers may be empty afterwards.
void truncate(PromptedRow& row, std::size_t limit, Overflow policy);

}  // namespace hone
