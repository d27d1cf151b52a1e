// Work on several threads whose results come back in the order of their items.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <type_traits>
#include <utility>

namespace hone {

/// Calls `work(item)` on `threads` threads for every item that `next` gives (a `std::optional`,
/// empty at the end), and `take(result)` with each result in the order of the items. `next` and
/// `take` are called on the calling thread alone. At most `threads` items are held.
///
/// What any of the three throws, for the first item where one does, ends the whole and is thrown
/// here when the items under way are done.
template <typename Next, typename Work, typename Take>
void map_in_order(std::size_t threads, Next&& next, const Work& work, Take&& take) {
  using Item = typename std::invoke_result_t<Next>::value_type;
  std::deque<std::future<std::invoke_result_t<const Work&, Item>>> running;
  const auto take_first = [&] {
    auto result = std::move(running.front());
    running.pop_front();
    take(result.get());
  };
  while (auto item = next()) {
    running.push_back(std::async(std::launch::async, std::cref(work), std::move(*item)));
    if (running.size() >= threads) take_first();
  }
  while (!running.empty()) take_first();
}

}  // namespace hone
