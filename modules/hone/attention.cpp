#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <ATen/ATen.h>

#include <hone/attention.h>
#include <hone/kernels/rope.h>

namespace hone {
namespace {

/// Sequences of similar length, which are computed together under little padding.
struct Group {
  std::vector<std::int64_t> starts;  // first token of each
  std::vector<std::int64_t> lengths;
  std::int64_t longest() const { return *std::max_element(lengths.begin(), lengths.end()); }
};

/// A sequence joins a group while padding it to the longest would waste at most a quarter.
std::vector<Group> group_by_length(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> starts(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), starts.begin(), std::int64_t{0});
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return lengths[a] > lengths[b]; });
  std::vector<Group> groups;
  for (const auto s : order) {
    if (groups.empty() || 4 * lengths[s] < 3 * groups.back().lengths.front()) groups.emplace_back();
    groups.back().starts.push_back(starts[s]);
    groups.back().lengths.push_back(lengths[s]);
  }
  return groups;
}

/// softmax of softly capped scores; no fused operator has it. `q`: [S, H, T, d]; `k`, `v`: [S, K,
/// C, d]; `mask`: true where a key is seen.
Tensor softcapped_attention(const Tensor& q,
                            const Tensor& k,
                            const Tensor& v,
                            const Tensor& mask,
                            double scale,
                            double cap) {
  const auto group = q.size(1) / k.size(1);
  const auto keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
  const auto scores = at::matmul(q, keys.transpose(2, 3)) * scale;
  const auto capped = at::tanh(scores / cap) * cap;
  const auto hidden = mask.logical_not();
  const auto weights =
      at::softmax(capped.to(capped.scalar_type() == at::kDouble ? at::kDouble : at::kFloat)
                      .masked_fill(hidden, -std::numeric_limits<double>::infinity()),
                  -1);
  return at::matmul(weights.to(q.scalar_type()), values);
}

/// [S, T, heads, d] seen as [S, heads, T, d] by the attention operator, and back to rows of tokens.
/// Without a `mask` each token sees those before it.
Tensor attend(const Tensor& q,
              const Tensor& k,
              const Tensor& v,
              const std::optional<Tensor>& mask,
              const AttentionRule& rule) {
  const auto queries = q.transpose(1, 2);
  const double scale = rule.scale > 0 ? rule.scale : 1 / std::sqrt(static_cast<double>(q.size(3)));
  if (rule.softcapping > 0)
    return softcapped_attention(queries, k, v, *mask, scale, rule.softcapping).transpose(1, 2);
  return at::scaled_dot_product_attention(queries, k, v, mask,
                                          /*dropout_p=*/0.0,
                                          /*is_causal=*/!mask.has_value(), scale,
                                          /*enable_gqa=*/q.size(2) != k.size(1))
      .transpose(1, 2);
}

/// Which of `keys` places the tokens at `places` [..., T, 1] see. Returns [..., T, keys].
Tensor seen_by(const Tensor& places, std::int64_t keys, std::int64_t window) {
  const auto other = at::arange(keys, places.options());
  const auto before = other.le(places);
  return window == 0 ? before : before.logical_and(other.gt(places - window));
}

/// Index of each place of a padded group into the N tokens (padding repeats the last token: later
/// places are never seen by earlier ones, and their results are thrown away), and the reverse.
struct PaddedIndex {
  std::vector<std::int64_t> gather;  // [S * T]
  std::vector<std::int64_t> places;  // place in the group of each real token
  std::vector<std::int64_t> tokens;  // its index among the N
};

PaddedIndex pad_group(const Group& group) {
  PaddedIndex index;
  const auto width = group.longest();
  for (std::size_t s = 0; s < group.lengths.size(); ++s) {
    for (std::int64_t t = 0; t < width; ++t) {
      const auto token = group.starts[s] + std::min(t, group.lengths[s] - 1);
      index.gather.push_back(token);
      if (t >= group.lengths[s]) continue;
      index.places.push_back(static_cast<std::int64_t>(s) * width + t);
      index.tokens.push_back(token);
    }
  }
  return index;
}

bool all_equal(const std::vector<std::int64_t>& lengths) {
  return std::all_of(lengths.begin(), lengths.end(),
                     [&](auto length) { return length == lengths.front(); });
}

/// Sequences of one length are a plain batch.
Tensor attend_equal(const Tensor& q,
                    const Tensor& k,
                    const Tensor& v,
                    std::int64_t length,
                    const AttentionRule& rule) {
  const auto batch = [length](const Tensor& x) {
    return x.view({-1, length, x.size(1), x.size(2)});
  };
  std::optional<Tensor> mask;
  if (rule.softcapping > 0 || (rule.window > 0 && rule.window < length)) {
    const auto places = at::arange(length, q.options().dtype(at::kLong)).unsqueeze(1);
    mask = seen_by(places, length, rule.window);
  }
  return attend(batch(q), batch(k).transpose(1, 2), batch(v).transpose(1, 2), mask, rule)
      .reshape(q.sizes());
}

/// Rotates the first channels of each head, as many as `rotation` has; the rest passes.
Tensor rotate(const Tensor& x, const Rotation& rotation) {
  const auto size = 2 * rotation.cos.size(1);
  if (size == x.size(2)) return kernels::rope(x, rotation.cos, rotation.sin);
  const auto rotated = kernels::rope(x.narrow(2, 0, size), rotation.cos, rotation.sin);
  return at::cat({rotated, x.narrow(2, size, x.size(2) - size)}, 2);
}

}  // namespace

Tensor causal_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& lengths,
                        const AttentionRule& rule) {
  if (all_equal(lengths)) return attend_equal(q, k, v, lengths.front(), rule);
  std::vector<Tensor> results;
  std::vector<std::int64_t> order;
  for (const auto& group : group_by_length(lengths)) {
    const auto index = pad_group(group);
    const auto gather = at::tensor(index.gather, at::kLong).to(q.device());
    const auto padded = attend_equal(q.index_select(0, gather), k.index_select(0, gather),
                                     v.index_select(0, gather), group.longest(), rule);
    results.push_back(padded.index_select(0, at::tensor(index.places, at::kLong).to(q.device())));
    order.insert(order.end(), index.tokens.begin(), index.tokens.end());
  }
  std::vector<std::int64_t> inverse(order.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    inverse[static_cast<std::size_t>(order[at])] = static_cast<std::int64_t>(at);
  }
  return at::cat(results).index_select(0, at::tensor(inverse, at::kLong).to(q.device()));
}

Tensor cached_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& past,
                        const std::vector<std::int64_t>& lengths,
                        const AttentionRule& rule) {
  const auto sequences = static_cast<std::int64_t>(lengths.size());
  const auto longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<std::int64_t> places;  // of the real ones among the padded queries
  for (std::int64_t s = 0; s < sequences; ++s) {
    for (std::int64_t t = 0; t < lengths[static_cast<std::size_t>(s)]; ++t)
      places.push_back(s * longest + t);
  }
  const auto device = q.device();
  const auto queries = side_by_side(q, lengths);
  // The t-th new token of a sequence sees places 0 .. past + t.
  const auto last = at::tensor(past, at::kLong).to(device).view({-1, 1, 1, 1}) +
                    at::arange(longest, at::kLong).to(device).view({1, 1, -1, 1});
  return attend(queries, k, v, seen_by(last, k.size(2), rule.window), rule)
      .reshape({-1, q.size(1), q.size(2)})
      .index_select(0, at::tensor(places, at::kLong).to(device));
}

AttentionImpl::AttentionImpl(const CausalLMConfig& config, std::int64_t layer)
    : layer_(layer),
      heads_(config.num_attention_heads),
      kv_heads_(config.num_key_value_heads),
      head_dim_(config.head_dim),
      query_key_norm_(config.query_key_norm),
      rotates_(config.rotates(layer)),
      rule_{.scale = config.attention_scale,
            .window = config.window_of(layer),
            .softcapping = config.attn_logit_softcapping} {
  const auto names = names_of(config);
  const auto queries = heads_ * head_dim_, keys = kv_heads_ * head_dim_;
  const auto add = [&](const std::string& name, std::int64_t size) {
    return register_module(name, Projection(config.hidden_size, size, config.attention_bias));
  };
  if (config.fused_qkv) {
    qkv_proj = add(names.qkv, queries + 2 * keys);
  } else {
    q_proj = add("q_proj", queries);
    k_proj = add("k_proj", keys);
    v_proj = add("v_proj", keys);
  }
  o_proj = register_module(names.attention_out,
                           Projection(queries, config.hidden_size, config.attention_out_bias));
  if (query_key_norm_ == QueryKeyNorm::kNone) return;
  const bool per_head = query_key_norm_ == QueryKeyNorm::kPerHead;
  const auto add_norm = [&](const char* name, std::int64_t width) {
    return register_module(
        name, Norm(per_head ? head_dim_ : width, config.norm_type, config.rms_norm_eps));
  };
  q_norm = add_norm("q_norm", queries);
  k_norm = add_norm("k_norm", keys);
}

AttentionImpl::Heads AttentionImpl::project(const Tensor& x) {
  const auto heads = [&](const Tensor& y) { return y.reshape({y.size(0), -1, head_dim_}); };
  if (qkv_proj.is_empty()) return {heads(q_proj(x)), heads(k_proj(x)), heads(v_proj(x))};
  const auto queries = heads_ * head_dim_, keys = kv_heads_ * head_dim_;
  const auto parts = qkv_proj(x).split_with_sizes({queries, keys, keys}, 1);
  return {heads(parts[0]), heads(parts[1]), heads(parts[2])};
}

Tensor AttentionImpl::normalised(Norm& norm, const Tensor& x) const {
  if (query_key_norm_ == QueryKeyNorm::kNone) return x;
  if (query_key_norm_ == QueryKeyNorm::kPerHead) return norm(x);
  return norm(x.reshape({x.size(0), -1})).view(x.sizes());
}

Tensor AttentionImpl::mix(const Heads& heads, const Context& context) const {
  auto [q, k, v] = heads;
  const auto* prefix = context.prefix;
  auto* cache = context.cache;
  if (cache == nullptr && prefix == nullptr)
    return causal_attention(q, k, v, context.lengths, rule_);
  if (prefix != nullptr) {
    k = prefix->rows.apply(prefix->keys_and_values[2 * layer_], k);
    v = prefix->rows.apply(prefix->keys_and_values[2 * layer_ + 1], v);
  }
  const auto& lengths = prefix == nullptr ? context.lengths : prefix->rows.lengths;
  const auto by_head = [&](const Tensor& x) { return side_by_side(x, lengths).transpose(1, 2); };
  const auto [keys, values] =
      cache == nullptr ? std::pair{by_head(k), by_head(v)} : cache->append(layer_, k, v, lengths);
  const auto& past = prefix == nullptr ? cache->lengths() : prefix->past;
  return cached_attention(q, keys, values, past, context.lengths, rule_);
}

Tensor AttentionImpl::forward(const Tensor& x, const Context& context) {
  auto [q, k, v] = project(x);
  q = normalised(q_norm, q);
  k = normalised(k_norm, k);
  if (rotates_) {
    const auto& rotation = rule_.window > 0 ? context.sliding_rotation : context.rotation;
    q = rotate(q, rotation);
    k = rotate(k, rotation);
  }
  return o_proj(mix({q, k, v}, context).reshape({x.size(0), -1}));
}

}  // namespace hone
