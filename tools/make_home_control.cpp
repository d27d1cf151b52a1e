// Writes the home-control data set: spoken requests, and for each the one JSON command that it asks
// for.
//
// Held-out rows use phrasings that no training row uses, and each names at least one room, thing or
// number that no training row names, so the score on them measures what was learnt, not what was
// remembered.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/json_io.h>

#include "home_control_words.h"
#include "program.h"

namespace hone::home_control {
namespace {

std::string number_words(int number) {
  static const Words small = {"zero",    "one",     "two",       "three",    "four",
                              "five",    "six",     "seven",     "eight",    "nine",
                              "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                              "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static const Words tens = {"twenty", "thirty",  "forty",  "fifty",
                             "sixty",  "seventy", "eighty", "ninety"};
  if (number < 20) return small[static_cast<std::size_t>(number)];
  const auto ten = tens[static_cast<std::size_t>(number / 10 - 2)];
  return number % 10 == 0 ? ten : ten + " " + small[static_cast<std::size_t>(number % 10)];
}

bool is_heldout(int number) {
  return std::find(kHeldoutNumbers.begin(), kHeldoutNumbers.end(), number) != kHeldoutNumbers.end();
}

bool has(const std::string& text, const char* slot) {
  return text.find(slot) != std::string::npos;
}

void replace(std::string& text, const std::string& slot, const std::string& words) {
  if (const auto at = text.find(slot); at != std::string::npos)
    text.replace(at, slot.size(), words);
}

bool is_command(const std::string& phrasing) {
  return std::none_of(kNoCommand.begin(), kNoCommand.end(),
                      [&](const std::string& start) { return phrasing.starts_with(start); });
}

/// Draws rows. The same seed gives the same rows with every standard library: only the engine's own
/// numbers are used.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : engine_(seed) {}

  /// `count` rows as JSON lines, the actions in turn. Throws `Error` where the words give no more
  /// new requests.
  std::string rows(std::size_t count, bool heldout) {
    std::string lines;
    for (std::size_t row = 0; row < count; ++row) {
      std::optional<Json> drawn;
      for (int tries = 0; !drawn; ++tries) {
        if (tries == 10000)
          fail("there are not ", count, " different requests; ask for fewer rows");
        drawn = draw_row(kActions[row % kActions.size()], heldout);
      }
      lines += to_json_line(*drawn) + "\n";
    }
    return lines;
  }

 private:
  struct Drawn {
    std::string text;
    bool heldout;
  };

  /// Nothing where a held-out row has no held-out part, or the request was drawn before.
  std::optional<Json> draw_row(const Action& action, bool heldout) {
    auto phrasing = pick(heldout ? action.phrasings.heldout : action.phrasings.train);
    const bool command = is_command(phrasing);
    Json answer = {{"action", action.name}};
    bool is_new = false;
    const bool names_room = place_room(phrasing);
    if (has(phrasing, "{thing}")) {
      is_new |= fill(phrasing, "{thing}", draw(action.things, heldout), answer[action.thing_key]);
    }
    if (names_room) is_new |= fill(phrasing, "{room}", draw(kRooms, heldout), answer["room"]);
    if (has(phrasing, "{n}")) is_new |= fill_number(phrasing, action, heldout, answer["value"]);
    const auto request = dress(phrasing, command, heldout);
    if (is_new != heldout || !requests_.insert(request).second) return std::nullopt;
    Json row;
    row["messages"] = {message("system", kSystem), message("user", request),
                       message("assistant", to_json_line(answer))};
    return row;
  }

  static Json message(const char* role, const std::string& content) {
    return {{"role", role}, {"content", content}};
  }

  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }

  const std::string& pick(const Words& from) { return from[below(from.size())]; }

  /// A training choice; for held-out rows a held-out one half of the time.
  Drawn draw(const Split& split, bool heldout) {
    const bool fresh = heldout && below(2) == 0;
    return {pick(fresh ? split.heldout : split.train), fresh};
  }

  /// Puts `drawn` into the request and the answer; says whether it is held out.
  static bool fill(std::string& request,
                   const std::string& slot,
                   const Drawn& drawn,
                   Json& answer) {
    replace(request, slot, drawn.text);
    answer = drawn.text;
    return drawn.heldout;
  }

  /// `{n}` in digits or in words; says whether it is a held-out number.
  bool fill_number(std::string& request, const Action& action, bool heldout, Json& answer) {
    const bool fresh = heldout && below(2) == 0;
    int number = 0;
    do {
      number =
          action.lowest +
          static_cast<int>(below(static_cast<std::size_t>(action.highest - action.lowest + 1)));
    } while (is_heldout(number) != fresh);
    const bool digits =
        below(2) == 0 || number == 17;  // "seventeen" is no compound of words seen in training
    replace(request, "{n}", digits ? std::to_string(number) : number_words(number));
    answer = number;
    return fresh;
  }

  /// Spells out the places where the thing may carry its room; says whether the request names a
  /// room.
  bool place_room(std::string& request) {
    static const Words with_the = {"the {thing}", "the {room} {thing}",
                                   "the {thing} in the {room}"};
    static const Words bare = {"{thing}", "{room} {thing}"};
    static const Words at = {"", " in the {room}"};
    replace(request, "@", pick(with_the));
    replace(request, "*", pick(bare));
    replace(request, "{at}", pick(at));
    return has(request, "{room}");
  }

  /// Adds polite words, and for half of the rows a capital letter with a full stop or question
  /// mark.
  std::string dress(const std::string& core, bool command, bool heldout) {
    const std::string opener = command ? pick(heldout ? kOpeners.heldout : kOpeners.train) : "";
    auto request = opener + core + pick(heldout ? kClosers.heldout : kClosers.train);
    if (below(2) == 0) return request;
    const bool asks =
        has(request, "can you ") || has(request, "could you ") || has(request, "would you ");
    request[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(request[0])));
    return request + (asks ? "?" : ".");
  }

  std::mt19937_64 engine_;
  std::set<std::string> requests_;
};

struct Options {
  std::uint64_t seed = 1;
  std::string out = "data/home_control";
  std::size_t train = 2000;
  std::size_t heldout = 300;
};

int make(const Options& options) {
  const std::filesystem::path folder = options.out;
  Writer writer(options.seed);
  const auto train_rows = writer.rows(options.train, false);
  const auto heldout_rows = writer.rows(options.heldout, true);
  std::filesystem::create_directories(folder);
  write_file(folder / "train.jsonl", train_rows);
  write_file(folder / "heldout.jsonl", heldout_rows);
  std::cout << (folder / "train.jsonl").string() << "\n"
            << (folder / "heldout.jsonl").string() << "\n";
  return 0;
}

}  // namespace
}  // namespace hone::home_control

int main(int argc, char** argv) {
  using namespace hone::home_control;
  Options options;
  CLI::App app("Write the home-control data set, train.jsonl and heldout.jsonl.",
               "make-home-control");
  app.add_option("--seed", options.seed, "the same seed gives the same files")
      ->capture_default_str();
  app.add_option("--out", options.out, "folder for the two files; files there are replaced")
      ->capture_default_str();
  app.add_option("--train", options.train, "rows of train.jsonl")->capture_default_str();
  app.add_option("--heldout", options.heldout, "rows of heldout.jsonl")->capture_default_str();
  return hone::recipes::run_program(app, argc, argv, [&] { return make(options); });
}
