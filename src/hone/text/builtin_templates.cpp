#include <algorithm>
#include <array>
#include <filesystem>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/names.h>
#include <hone/base/nearest.h>
#include <hone/base/utf8.h>
#include <hone/text/builtin_templates.h>
#include <hone/text/chat_template.h>

namespace hone {
namespace {

/// Which roles a template has a place for, and where it puts a system message.
enum class System {
  kAnyRole,  ///< every role alike
  kOwnTurn,  ///< system is a role like the others
  kSetApart  ///< `system` is its text with `before` and `after` around it, `turns` the other
             ///< messages
};

struct BuiltinTemplate {
  std::string_view name;
  System system;
  std::string_view before, after;
  std::string_view body;
  std::array<std::string_view, 3> tokens{};  // control tokens that it writes by name
};

// zephyr's marks of roles are plain text in its vocabulary.
constexpr std::array kTemplates = {
    BuiltinTemplate{"chatml",
                    System::kAnyRole,
                    "",
                    "",
                    R"(
{%- for message in messages %}
  {{- '<|im_start|>' + message.role + '\n' + message.content | trim + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|im_start|>assistant\n' }}
{%- endif %})",
                    {"<|im_start|>", "<|im_end|>"}},
    BuiltinTemplate{"llama-2", System::kSetApart, R"(<<SYS>>\n)", R"(\n<</SYS>>\n\n)", R"(
{%- for message in turns %}
  {%- if message.role == 'user' %}
    {{- bos_token }}
    {{- '[INST] ' + (system if loop.first else '') + message.content | trim + ' [/INST]' }}
  {%- else %}
    {{- ' ' + message.content | trim + ' ' }}
    {{- eos_token }}
  {%- endif %}
{%- endfor %})"},
    BuiltinTemplate{"llama-3",
                    System::kOwnTurn,
                    "",
                    "",
                    R"(
{{- bos_token }}
{%- for message in messages %}
  {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' }}
  {{- message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})",
                    {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}},
    BuiltinTemplate{"mistral", System::kSetApart, "", R"(\n\n)", R"(
{{- bos_token }}
{%- for message in turns %}
  {%- if message.role == 'user' %}
    {{- '[INST] ' + (system if loop.first else '') + message.content | trim + ' [/INST]' }}
  {%- else %}
    {{- ' ' + message.content | trim }}
    {{- eos_token }}
  {%- endif %}
{%- endfor %})"},
    BuiltinTemplate{"gemma",
                    System::kSetApart,
                    "",
                    R"(\n\n)",
                    R"(
{{- bos_token }}
{%- for message in turns %}
  {{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' }}
  {{- (system if loop.first else '') + message.content | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<start_of_turn>model\n' }}
{%- endif %})",
                    {"<start_of_turn>", "<end_of_turn>"}},
    BuiltinTemplate{"phi-3",
                    System::kOwnTurn,
                    "",
                    "",
                    R"(
{%- for message in messages %}
  {{- '<|' + message.role + '|>\n' + message.content | trim + '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|assistant|>\n' }}
{%- endif %})",
                    {"<|user|>", "<|assistant|>", "<|end|>"}},
    BuiltinTemplate{"zephyr", System::kOwnTurn, "", "", R"(
{%- for message in messages %}
  {{- '<|' + message.role + '|>\n' + message.content | trim }}
  {{- eos_token }}
  {{- '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|assistant|>\n' }}
{%- endif %})"},
    BuiltinTemplate{"vicuna", System::kSetApart, "", " ", R"(
{{- bos_token }}
{{- system }}
{%- for message in turns %}
  {%- if message.role == 'user' %}
    {{- 'USER: ' + message.content | trim + ' ' }}
  {%- else %}
    {{- 'ASSISTANT: ' + message.content | trim }}
    {{- eos_token }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- 'ASSISTANT:' }}
{%- endif %})"},
    BuiltinTemplate{"alpaca", System::kSetApart, "", R"(\n\n)", R"(
{{- bos_token }}
{{- system }}
{%- for message in turns %}
  {%- if message.role == 'user' %}
    {{- '### Instruction:\n' + message.content | trim + '\n\n' }}
  {%- else %}
    {{- '### Response:\n' + message.content | trim }}
    {{- eos_token }}
    {{- '\n\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '### Response:\n' }}
{%- endif %})"},
    BuiltinTemplate{"hh", System::kSetApart, "", "", R"(
{{- bos_token }}
{{- system }}
{%- for message in turns %}
  {%- if message.role == 'user' %}
    {{- '\n\nHuman: ' + message.content | trim }}
  {%- else %}
    {{- '\n\nAssistant: ' + message.content | trim }}
    {%- if loop.last %}
      {{- eos_token }}
    {%- endif %}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '\n\nAssistant:' }}
{%- endif %})"},
};

constexpr std::string_view kNoTools = R"(
{%- if tools %}
  {{- raise_exception('this template has no place for tools') }}
{%- endif %})";
constexpr std::string_view kThreeRoles = R"(
{%- for message in messages %}
  {%- if message.role not in ['system', 'user', 'assistant'] %}
    {{- raise_exception('this template has no role ' + message.role) }}
  {%- elif message.role == 'system' and not loop.first %}
    {{- raise_exception('a system message must come first') }}
  {%- endif %}
{%- endfor %})";

std::string source_of(const BuiltinTemplate& builtin) {
  auto source = std::string(kNoTools);
  if (builtin.system != System::kAnyRole) source += kThreeRoles;
  if (builtin.system == System::kSetApart) {
    source += concat(
        "\n{%- set system = '' %}\n{%- set turns = messages %}\n"
        "{%- if messages[0].role == 'system' %}\n  {%- set system = '",
        builtin.before, "' + messages[0].content | trim + '", builtin.after,
        "' %}\n  {%- set turns = messages[1:] %}\n{%- endif %}");
  }
  return source + std::string(builtin.body);
}

const BuiltinTemplate* find_builtin(std::string_view name) {
  const auto found = std::ranges::find(kTemplates, name, &BuiltinTemplate::name);
  return found == kTemplates.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> builtin_template_names() {
  std::vector<std::string> names;
  for (const auto& known : kTemplates) names.emplace_back(known.name);
  return names;
}

std::string builtin_template_list() {
  return joined(builtin_template_names());
}

std::optional<std::string> builtin_template(std::string_view name) {
  const auto* found = find_builtin(name);
  return found == nullptr ? std::nullopt : std::optional(source_of(*found));
}

std::string chat_template_source(const std::string& file_or_name, const Tokenizer& tokenizer) {
  if (std::filesystem::exists(file_or_name)) return read_file(file_or_name);
  const auto* found = find_builtin(file_or_name);
  if (found == nullptr) {
    fail("chat template ", quote(file_or_name), ": no such file, and not one of ",
         builtin_template_list(), did_you_mean(file_or_name, builtin_template_names()));
  }
  const auto control = ControlTokens::of(tokenizer);
  if (!control.eos && found->body.find("eos_token") != std::string_view::npos)
    fail("chat template ", found->name, " needs an end token, which the tokenizer has not");
  for (const auto token : found->tokens) {
    if (!token.empty() && std::ranges::find(control.special, token) == control.special.end()) {
      fail("chat template ", found->name, " needs the control token ", token,
           ", which the tokenizer has not; alpaca, hh and vicuna need none");
    }
  }
  return source_of(*found);
}

}  // namespace hone
