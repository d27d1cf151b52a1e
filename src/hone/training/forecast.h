// What a run will take: memory by part and time for an update, from one pass that changes nothing.
#pragma once

#include <cstdint>

#include <hone/training/sft.h>

namespace hone {

/// Memory in bytes at the peak of an update, and its time.
struct Forecast {
  std::int64_t program = 0;      ///< code, libraries and what was read before the model
  std::int64_t weights = 0;      ///< of the model, frozen or not, without what an adapter adds
  std::int64_t adapter = 0;      ///< parameters that an adapter adds
  std::int64_t gradients = 0;    ///< of what is trained
  std::int64_t optimizer = 0;    ///< what it keeps of what is trained
  std::int64_t activations = 0;  ///< what the backward pass keeps, and workspace
  double step_seconds = 0;       ///< of an update over rows of average length

  std::int64_t total() const {
    return program + weights + adapter + gradients + optimizer + activations;
  }
};

/// The parts that follow from the model and the optimiser alone.
Forecast forecast_of_model(const CausalLM& model, const OptimizationConfig& config);

/// Runs the longest rows of one pass forward and backward, without an update, and measures.
/// `program`: bytes of the process before the model was loaded.
Forecast forecast(SftTrainer& trainer,
                  const CausalLM& model,
                  const SftConfig& config,
                  const std::vector<TokenizedRow>& rows,
                  std::int64_t program);

}  // namespace hone
