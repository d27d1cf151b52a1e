// Which base an adapter was trained on, told in a way that survives quantisation.
#pragma once

#include <string>

#include <hone/causal_lm.h>

namespace hone {

/// Signs of some numbers of each of the base's matrices, as hexadecimal digits: nearly the same
/// however the base is quantised, and no more alike than chance for another base.
std::string base_fingerprint(const CausalLM& model);

/// Share of equal bits in two fingerprints; 0 where they differ in length.
double fingerprint_agreement(const std::string& a, const std::string& b);

}  // namespace hone
