// The configuration of any PEFT method, and the one list of its fields.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <hone/adalora.h>
#include <hone/bottleneck.h>
#include <hone/ia3.h>
#include <hone/lora.h>
#include <hone/low_rank_products.h>
#include <hone/oft.h>
#include <hone/prefix_kv.h>
#include <hone/selective.h>
#include <hone/soft_prompt.h>
#include <hone/vera.h>

namespace hone {

using PeftConfig = std::variant<LoraConfig,
                                AdaLoraConfig,
                                VeraConfig,
                                LoHaConfig,
                                LoKrConfig,
                                OftConfig,
                                Ia3Config,
                                LnTuningConfig,
                                SelectiveConfig,
                                BottleneckConfig,
                                PromptTuningConfig,
                                PromptEncoderConfig,
                                PrefixTuningConfig>;

/// `peft_type` of a method: PEFT's word, or ours (`SELECTIVE`, `BOTTLENECK`) where PEFT lacks it.
std::string peft_type(const PeftConfig& config);

/// The default configuration of a method. Throws `Error` for another word, naming those there are.
PeftConfig config_of_peft_type(const std::string& type);

/// Every `peft_type`, separated by commas.
std::string peft_type_names();

/// The configuration that a method's everyday name stands for: `lora`, `dora`, `pissa`, `ia3`,
/// `bitfit`, `houlsby`, `prefix_tuning`, ... Throws `Error` for another word, with the nearest.
PeftConfig config_of_method(const std::string& name);

/// Those names.
std::vector<std::string> peft_method_names();

/// Throws `Error` naming the first field that is out of range.
void validate_peft(const PeftConfig& config);

/// Calls `visit(name, field, help)` for every field of a configuration, under PEFT's name: what is
/// read from and written to adapter_config.json and offered on the command line.
template <typename Visit>
void visit_fields(LoraConfig& c, Visit&& visit) {
  visit("r", c.r, "rank of the update");
  visit("lora_alpha", c.lora_alpha, "the update is scaled by lora_alpha / r");
  visit("lora_dropout", c.lora_dropout,
        "share of the adapter's input zeroed while training, [0, 1)");
  visit("use_rslora", c.use_rslora, "scale by lora_alpha / sqrt(r)");
  visit("use_dora", c.use_dora, "train the norm of each row of the weight apart");
  visit("lora_bias", c.lora_bias, "the second matrix has a bias");
  visit("bias", c.bias, "biases of the base that are trained: none, all or lora_only");
  visit("init_lora_weights", c.init_lora_weights,
        "start of the matrices: true, false, gaussian, pissa or olora");
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("exclude_modules", c.exclude_modules, "modules that get none");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
  visit("rank_pattern", c.rank_pattern, "rank of some modules: name=r");
  visit("alpha_pattern", c.alpha_pattern, "lora_alpha of some modules: name=alpha");
  visit("modules_to_save", c.modules_to_save, "modules of which a whole copy is trained");
  visit("trainable_token_indices", c.trainable_token_indices, "tokens whose embedding is trained");
}

template <typename Visit>
void visit_fields(AdaLoraConfig& c, Visit&& visit) {
  visit("init_r", c.init_r, "rank of the update");
  visit("lora_alpha", c.lora_alpha, "the update is scaled by lora_alpha / r");
  visit("lora_dropout", c.lora_dropout,
        "share of the adapter's input zeroed while training, [0, 1)");
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
}

template <typename Visit>
void visit_fields(VeraConfig& c, Visit&& visit) {
  visit("r", c.r, "rank of the update");
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
  visit("vera_dropout", c.vera_dropout,
        "share of the adapter's input zeroed while training, [0, 1)");
  visit("d_initial", c.d_initial, "start of the factors between the random matrices");
  visit("projection_prng_key", c.projection_prng_key, "seed of the random matrices");
  visit("save_projection", c.save_projection, "keep the random matrices in the file");
}

template <typename Config, typename Visit>
void visit_product_fields(Config& c, Visit&& visit) {
  visit("r", c.r, "rank of the update");
  visit("alpha", c.alpha, "the update is scaled by alpha / r");
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
  visit("rank_pattern", c.rank_pattern, "rank of some modules: name=r");
  visit("alpha_pattern", c.alpha_pattern, "alpha of some modules: name=alpha");
}

template <typename Visit>
void visit_fields(LoHaConfig& c, Visit&& visit) {
  visit_product_fields(c, visit);
}

template <typename Visit>
void visit_fields(LoKrConfig& c, Visit&& visit) {
  visit_product_fields(c, visit);
  visit("decompose_both", c.decompose_both, "the left factor is a product of two as well");
  visit("decompose_factor", c.decompose_factor, "size of the left factor; -1: the square root");
}

template <typename Visit>
void visit_fields(OftConfig& c, Visit&& visit) {
  visit("oft_block_size", c.oft_block_size, "width of the blocks that are rotated");
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
  visit("use_cayley_neumann", c.use_cayley_neumann, "compute rotations by a series");
  visit("num_cayley_neumann_terms", c.num_cayley_neumann_terms, "terms of that series");
}

template <typename Visit>
void visit_fields(Ia3Config& c, Visit&& visit) {
  visit("target_modules", c.target_modules,
        "modules that get an adapter: ends of names, a regular expression, or all-linear");
  visit("feedforward_modules", c.feedforward_modules, "targets whose input is scaled");
}

template <typename Visit>
void visit_fields(LnTuningConfig& c, Visit&& visit) {
  visit("target_modules", c.target_modules, "norms that are trained; none given: all");
}

template <typename Visit>
void visit_fields(SelectiveConfig& c, Visit&& visit) {
  visit("biases", c.biases, "train every bias (BitFit)");
  visit("last_layers", c.last_layers, "train all of the last K layers");
  visit("parameters", c.parameters, "parameters that are trained: ends of names, or an expression");
}

template <typename Visit>
void visit_fields(BottleneckConfig& c, Visit&& visit) {
  visit("kind", c.kind, "houlsby, pfeiffer or parallel");
  visit("reduction_factor", c.reduction_factor, "hidden size over the adapter's inner width");
  visit("non_linearity", c.non_linearity, "relu, swish or gelu; none given: the kind's own");
  visit("scaling", c.scaling, "factor of the adapter's output; 0: the kind's own");
  visit("layers_to_transform", c.layers_to_transform, "only these layers, from 0; none given: all");
}

template <typename Visit>
void visit_fields(PromptTuningConfig& c, Visit&& visit) {
  visit("num_virtual_tokens", c.num_virtual_tokens, "virtual tokens in front of every text");
  visit("prompt_tuning_init", c.prompt_tuning_init, "start: RANDOM, SAMPLE_VOCAB or TEXT");
  visit("prompt_tuning_init_text", c.prompt_tuning_init_text, "text whose embeddings TEXT takes");
}

template <typename Visit>
void visit_fields(PromptEncoderConfig& c, Visit&& visit) {
  visit("num_virtual_tokens", c.num_virtual_tokens, "virtual tokens in front of every text");
  visit("encoder_reparameterization_type", c.encoder_reparameterization_type, "MLP or LSTM");
  visit("encoder_hidden_size", c.encoder_hidden_size, "inner width; 0: the model's own");
  visit("encoder_num_layers", c.encoder_num_layers, "layers of the LSTM");
  visit("encoder_dropout", c.encoder_dropout, "dropout between the layers of the LSTM");
}

template <typename Visit>
void visit_fields(PrefixTuningConfig& c, Visit&& visit) {
  visit("num_virtual_tokens", c.num_virtual_tokens, "virtual tokens in front of every text");
  visit("prefix_projection", c.prefix_projection, "make the prefix by an MLP");
  visit("encoder_hidden_size", c.encoder_hidden_size, "inner width of the MLP; 0: the keys' width");
}

}  // namespace hone
