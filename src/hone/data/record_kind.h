// What a training example is for; one tokenized file holds one kind.
#pragma once

#include <string>

namespace hone {

/// Kinds of examples.
enum class RecordKind {
  kSft,         ///< `sft`: a conversation, a completion or a document to learn to write
  kPreference,  ///< `preference`: of two answers the better one (reward models, DPO)
  kUnpaired,    ///< `unpaired`: an answer, and whether it is wanted (KTO)
  kRanked,      ///< `ranked`: several answers and their ranks (reward models)
  kStepwise,    ///< `stepwise`: the steps of an answer, and whether each is right (process rewards)
  kPrompt,      ///< `prompt`: a prompt to answer (reinforcement learning)
};

/// The name of a kind as files have it.
const char* kind_name(RecordKind kind);

/// The kind called `name`. Throws `Error` starting with `place` for another name.
RecordKind record_kind(const std::string& name, const std::string& place);

}  // namespace hone
