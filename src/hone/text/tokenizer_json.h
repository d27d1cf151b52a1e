// tokenizer.json of Hugging Face's tokenizers library, read and written.
#pragma once

#include <hone/base/json_io.h>
#include <hone/text/tokenizer_parts.h>

namespace hone {

/// The parts that a tokenizer.json describes. Throws `Error` starting with `place` where a part is
/// missing, of the wrong type, contradictory, or of a kind that is not supported (models other than
/// BPE).
TokenizerParts read_tokenizer_json(const Json& file, const std::string& place);

/// The tokenizer.json of `parts`, with every added token and the merges in pair form.
Json write_tokenizer_json(const TokenizerParts& parts);

/// One entry of "added_tokens", or of "added_tokens_decoder", where the `id` stands outside of it.
/// Throws `Error` as above.
AddedToken read_added_token(const Json& entry, std::int64_t id, const std::string& place);

}  // namespace hone
