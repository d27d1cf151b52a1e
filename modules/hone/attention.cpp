#include <algorithm>
#include <numeric>

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

/// [S, T, heads, d] seen as [S, heads, T, d] by the attention operator, and back to rows of tokens.
Tensor attend(const Tensor& q,
              const Tensor& k,
              const Tensor& v,
              const std::optional<Tensor>& mask) {
  return at::scaled_dot_product_attention(q.transpose(1, 2), k, v, mask,
                                          /*dropout_p=*/0.0,
                                          /*is_causal=*/!mask.has_value(),
                                          /*scale=*/std::nullopt,
                                          /*enable_gqa=*/q.size(2) != k.size(1))
      .transpose(1, 2);
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
Tensor attend_equal(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t length) {
  const auto batch = [length](const Tensor& x) {
    return x.view({-1, length, x.size(1), x.size(2)});
  };
  return attend(batch(q), batch(k).transpose(1, 2), batch(v).transpose(1, 2), std::nullopt)
      .reshape(q.sizes());
}

}  // namespace

Tensor causal_attention(const Tensor& q,
                        const Tensor& k,
                        const Tensor& v,
                        const std::vector<std::int64_t>& lengths) {
  if (all_equal(lengths)) return attend_equal(q, k, v, lengths.front());
  std::vector<Tensor> results;
  std::vector<std::int64_t> order;
  for (const auto& group : group_by_length(lengths)) {
    const auto index = pad_group(group);
    const auto gather = at::tensor(index.gather, at::kLong).to(q.device());
    const auto padded = attend_equal(q.index_select(0, gather), k.index_select(0, gather),
                                     v.index_select(0, gather), group.longest());
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
                        const std::vector<std::int64_t>& lengths) {
  const auto sequences = static_cast<std::int64_t>(lengths.size());
  const auto longest = *std::max_element(lengths.begin(), lengths.end());
  const auto index = pad_group({[&] {
                                  std::vector<std::int64_t> starts(lengths.size());
                                  std::exclusive_scan(lengths.begin(), lengths.end(),
                                                      starts.begin(), std::int64_t{0});
                                  return starts;
                                }(),
                                lengths});
  const auto device = q.device();
  const auto queries = q.index_select(0, at::tensor(index.gather, at::kLong).to(device))
                           .view({sequences, longest, q.size(1), q.size(2)});
  // The t-th new token of a sequence sees places 0 .. past + t.
  const auto last = at::tensor(past, at::kLong).to(device).view({-1, 1, 1, 1}) +
                    at::arange(longest, at::kLong).to(device).view({1, 1, -1, 1});
  const auto mask = at::arange(k.size(2), at::kLong).to(device).view({1, 1, 1, -1}).le(last);
  return attend(queries, k, v, mask)
      .reshape({-1, q.size(1), q.size(2)})
      .index_select(0, at::tensor(index.places, at::kLong).to(device));
}

AttentionImpl::AttentionImpl(const AttentionOptions& options) : options_(options) {
  const auto queries = options.num_attention_heads * options.head_dim;
  const auto keys = options.num_key_value_heads * options.head_dim;
  const auto bias = options.attention_bias;
  q_proj = register_module("q_proj", Projection(options.hidden_size, queries, bias));
  k_proj = register_module("k_proj", Projection(options.hidden_size, keys, bias));
  v_proj = register_module("v_proj", Projection(options.hidden_size, keys, bias));
  o_proj = register_module("o_proj", Projection(queries, options.hidden_size, bias));
}

Tensor AttentionImpl::forward(const Tensor& x, const Context& context, std::int64_t layer) {
  const auto heads = [&](const Tensor& y) { return y.view({y.size(0), -1, options_.head_dim}); };
  const auto q = kernels::rope(heads(q_proj(x)), context.cos, context.sin);
  const auto k = kernels::rope(heads(k_proj(x)), context.cos, context.sin);
  const auto v = heads(v_proj(x));
  Tensor mixed;
  if (context.cache == nullptr) {
    mixed = causal_attention(q, k, v, context.lengths);
  } else {
    const auto [keys, values] = context.cache->append(layer, k, v, context.lengths);
    mixed = cached_attention(q, keys, values, context.cache->lengths(), context.lengths);
  }
  return o_proj(mixed.reshape({x.size(0), -1}));
}

}  // namespace hone
