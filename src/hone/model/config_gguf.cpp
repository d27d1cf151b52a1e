#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/model/config_json.h>

namespace hone {

CausalLMConfig config_from_gguf(const GgufFile& file) {
  const auto place = file.path().string();
  const auto architecture = file.get_string("general.architecture");
  if (architecture != "llama") {
    fail(place, ": architecture \"", architecture, "\" is not supported (supported: llama)");
  }
  const auto scaling = file.find_string("llama.rope.scaling.type").value_or("none");
  if (scaling != "none" && scaling != "linear") {
    fail(place, ": llama.rope.scaling.type \"", scaling,
         "\" is not supported (supported: none, linear)");
  }
  CausalLMConfig config;
  config.hidden_size = file.get_int("llama.embedding_length");
  config.intermediate_size = file.get_int("llama.feed_forward_length");
  config.num_hidden_layers = file.get_int("llama.block_count");
  config.num_attention_heads = file.get_int("llama.attention.head_count");
  config.num_key_value_heads =
      file.find_int("llama.attention.head_count_kv").value_or(config.num_attention_heads);
  if (config.num_attention_heads < 1) fail(place, ": llama.attention.head_count must be positive");
  config.head_dim = file.find_int("llama.attention.key_length")
                        .value_or(config.hidden_size / config.num_attention_heads);
  if (file.find_int("llama.rope.dimension_count").value_or(config.head_dim) != config.head_dim) {
    fail(place, ": llama.rope.dimension_count differs from the head size, which is not supported");
  }
  config.max_position_embeddings = file.find_int("llama.context_length").value_or(2048);
  config.rms_norm_eps = file.get_float("llama.attention.layer_norm_rms_epsilon");
  config.rope_theta = file.find_float("llama.rope.freq_base").value_or(10000);
  config.rope_scaling.rope_type = scaling == "none" ? "default" : scaling;
  config.rope_scaling.factor = file.find_float("llama.rope.scaling.factor").value_or(1);
  config.vocab_size = file.tensor("token_embd.weight").shape.back();
  config.tie_word_embeddings = file.find_tensor("output.weight") == nullptr;
  config.attention_bias = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  config.attention_out_bias = file.find_tensor("blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = file.find_tensor("blk.0.ffn_up.bias") != nullptr;
  config.bos_token_id = file.find_int("tokenizer.ggml.bos_token_id");
  config.pad_token_id = file.find_int("tokenizer.ggml.padding_token_id");
  if (const auto eos = file.find_int("tokenizer.ggml.eos_token_id")) config.eos_token_ids = {*eos};
  return checked_config(std::move(config), place);
}

}  // namespace hone
