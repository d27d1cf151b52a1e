#include <utility>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>
#include <torch/types.h>

#include <hone/checkpoint.h>

namespace hone {
namespace {

using Forward = std::function<Tensor(const std::vector<Tensor>&)>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What the backward pass needs besides the inputs.
struct Recipe : torch::CustomClassHolder {
  Recipe(Forward made_by, Tensor random_state)
      : forward(std::move(made_by)), random(std::move(random_state)) {}
  Forward forward;
  Tensor random;
};

/// Sets the CPU generator to a state for its life.
class RandomState {
 public:
  explicit RandomState(const Tensor& state)
      : generator_(at::detail::getDefaultCPUGenerator()), before_(generator_.get_state()) {
    generator_.set_state(state);
  }
  ~RandomState() { generator_.set_state(before_); }
  RandomState(const RandomState&) = delete;
  RandomState& operator=(const RandomState&) = delete;

 private:
  at::Generator generator_;
  Tensor before_;
};

struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  /// `anchor` needs a gradient, so that the backward pass comes here even where no input does.
  static Tensor forward(AutogradContext* context,
                        const Tensor& anchor,
                        at::TensorList inputs,
                        const Forward& made_by) {
    static_cast<void>(anchor);
    const auto generator = at::detail::getDefaultCPUGenerator();
    context->saved_data["recipe"] =
        c10::IValue::make_capsule(c10::make_intrusive<Recipe>(made_by, generator.get_state()));
    context->save_for_backward(inputs.vec());
    torch::NoGradGuard no_grad;
    return made_by(inputs.vec());
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto held = context->saved_data["recipe"].toCapsule();
    const auto& recipe = static_cast<const Recipe&>(*held);
    std::vector<Tensor> inputs;
    for (const auto& saved : context->get_saved_variables())
      inputs.push_back(saved.detach().requires_grad_(saved.requires_grad()));
    const RandomState state(recipe.random);
    torch::AutoGradMode with_gradients(true);
    const auto output = recipe.forward(inputs);
    if (output.requires_grad()) output.backward(grads[0]);
    variable_list results = {Tensor()};
    for (const auto& input : inputs) results.push_back(input.grad());
    results.push_back(Tensor());
    return results;
  }
};

}  // namespace

Tensor checkpoint(const Forward& forward, const std::vector<Tensor>& inputs) {
  if (!torch::GradMode::is_enabled()) return forward(inputs);
  const auto anchor = at::empty({0}, at::kFloat).requires_grad_();
  return CheckpointFunction::apply(anchor, at::TensorList(inputs), forward);
}

}  // namespace hone
