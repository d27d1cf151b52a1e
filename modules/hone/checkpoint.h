// Activation checkpointing (Chen et al. 2016): a part of the forward pass is computed again in the
// backward pass instead of being kept.
#pragma once

#include <functional>
#include <vector>

#include <hone/shapes.h>

namespace hone {

/// `forward(inputs)`, of which only the inputs are kept for the backward pass.
///
/// Gradients go to the inputs and to every parameter that `forward` uses; they are the same as
/// without checkpointing, dropout included (random numbers of the CPU generator are drawn again
/// from the same state). `forward` must not use other tensors that need a gradient and are not
/// leaves: give those as inputs. Without gradients it is just called.
Tensor checkpoint(const std::function<Tensor(const std::vector<Tensor>&)>& forward,
                  const std::vector<Tensor>& inputs);

}  // namespace hone
