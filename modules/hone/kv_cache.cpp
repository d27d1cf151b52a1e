#include <algorithm>

#include <ATen/ATen.h>

#include <hone/kv_cache.h>

namespace hone {

KvCache::KvCache(std::int64_t layers, std::int64_t sequences, std::int64_t capacity)
    : layers_(static_cast<std::size_t>(layers)),
      lengths_(static_cast<std::size_t>(sequences), 0),
      capacity_(std::max<std::int64_t>(capacity, 1)) {}

void KvCache::reserve(Layer& layer, const Tensor& like, std::int64_t places) {
  const auto held = layer.keys.defined() ? layer.keys.size(2) : 0;
  if (held >= places) return;
  capacity_ = std::max({capacity_, places, 2 * held});
  const std::vector<std::int64_t> shape = {sequences(), like.size(1), capacity_, like.size(2)};
  for (auto* stored : {&layer.keys, &layer.values}) {
    auto larger = at::zeros(shape, like.options().requires_grad(false));
    if (stored->defined()) larger.narrow(2, 0, held).copy_(*stored);
    *stored = larger;
  }
}

std::pair<Tensor, Tensor> KvCache::append(std::int64_t layer_index,
                                          const Tensor& keys,
                                          const Tensor& values,
                                          const std::vector<std::int64_t>& new_lengths) {
  TORCH_CHECK(new_lengths.size() == lengths_.size(), "KvCache: holds ", lengths_.size(),
              " sequences, got ", new_lengths.size());
  std::int64_t places = 0;
  for (std::size_t s = 0; s < lengths_.size(); ++s) {
    places = std::max(places, lengths_[s] + new_lengths[s]);
  }
  auto& layer = layers_.at(static_cast<std::size_t>(layer_index));
  reserve(layer, keys, places);
  std::int64_t first = 0;
  for (std::size_t s = 0; s < lengths_.size(); ++s) {
    const auto row = static_cast<std::int64_t>(s);
    const auto put = [&](Tensor& stored, const Tensor& fresh) {
      stored.select(0, row)
          .narrow(1, lengths_[s], new_lengths[s])
          .copy_(fresh.narrow(0, first, new_lengths[s]).transpose(0, 1));
    };
    put(layer.keys, keys);
    put(layer.values, values);
    first += new_lengths[s];
  }
  return {layer.keys.narrow(2, 0, places), layer.values.narrow(2, 0, places)};
}

void KvCache::advance(const std::vector<std::int64_t>& new_lengths) {
  for (std::size_t s = 0; s < lengths_.size(); ++s) lengths_[s] += new_lengths[s];
}

void KvCache::keep(const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> kept;
  for (const auto row : rows) kept.push_back(lengths_.at(static_cast<std::size_t>(row)));
  const auto index = at::tensor(rows, at::kLong);
  for (auto& layer : layers_) {
    if (!layer.keys.defined()) continue;
    layer.keys = layer.keys.index_select(0, index.to(layer.keys.device()));
    layer.values = layer.values.index_select(0, index.to(layer.values.device()));
  }
  lengths_ = std::move(kept);
}

}  // namespace hone
