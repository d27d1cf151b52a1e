// Every field of hone's configurations as a command-line option, under the name that users of TRL
// and PEFT know.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <hone/generation/generate.h>
#include <hone/model/peft_config.h>
#include <hone/training/run.h>
#include <hone/training/sft.h>

#include "models.h"

namespace hone::recipes {

/// Both spellings of an option: `--learning-rate` and `--learning_rate`.
std::string flag(const std::string& name);

/// Each adds the fields of one configuration, its defaults shown in --help.
void add_options(CLI::App& app, PeftConfig& config);
void add_options(CLI::App& app, OptimizationConfig& config);
void add_options(CLI::App& app, SftConfig& config);
void add_options(CLI::App& app, RunConfig& config);
void add_options(CLI::App& app, GenerationConfig& config);

/// `--model`, `--adapter`, `--chat-template` and `--dtype`.
void add_options(CLI::App& app, ModelOptions& options);

/// `--dtype`: auto, float32 or bfloat16.
void add_dtype_option(CLI::App& app, std::string& dtype);

/// `--quantization`: none, stored, nf4 or int8.
void add_quantization_option(CLI::App& app, std::string& quantization);

/// What `--dtype` means for a frozen model: auto is bf16 where this processor multiplies bf16
/// matrices, else fp32.
at::ScalarType dtype_of_option(const std::string& dtype);

}  // namespace hone::recipes
