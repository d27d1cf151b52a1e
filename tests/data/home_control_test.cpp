// The home-control data set is what its README says: disjoint, unambiguous, one command a request.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <hone/base/json_io.h>
#include <hone/data/record_file.h>

#include "shared_data.h"

namespace hone {
namespace {

struct Row {
  std::string request;
  Json command;
};

std::vector<Row> home_control_rows(const std::string& name) {
  const auto path = std::filesystem::path(HONE_SOURCE_DIR) / "data" / "home_control" / name;
  std::vector<Row> rows;
  for (const auto& record : read_records(path)) {
    const auto& messages = record.messages;
    EXPECT_EQ(messages.size(), 3u) << record.place;
    EXPECT_EQ(messages[0]["content"], "Answer with one JSON command.") << record.place;
    const auto answer = messages[2]["content"].get<std::string>();
    rows.push_back({messages[1]["content"].get<std::string>(), parse_json(answer, record.place)});
    EXPECT_EQ(to_json_line(rows.back().command), answer)
        << record.place;  // compact, keys in their order
  }
  return rows;
}

const std::vector<Row>& train() {
  static const auto rows = home_control_rows("train.jsonl");
  return rows;
}

const std::vector<Row>& heldout() {
  static const auto rows = home_control_rows("heldout.jsonl");
  return rows;
}

/// `number` (1 to 99) as it is spoken.
std::string spoken(int number) {
  const char* ones[] = {"",        "one",     "two",       "three",    "four",
                        "five",    "six",     "seven",     "eight",    "nine",
                        "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  const char* tens[] = {"",      "",      "twenty",  "thirty", "forty",
                        "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (number < 20) return ones[number];
  return std::string(tens[number / 10]) + (number % 10 == 0 ? "" : " ") + ones[number % 10];
}

std::string lower(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

/// Replaces the one place where `part` stands in `text` by `slot`; false where it does not stand
/// there.
bool blank_out(std::string& text, const std::string& part, const std::string& slot) {
  const auto at = text.find(part);
  if (at == std::string::npos) return false;
  text.replace(at, part.size(), slot);
  return true;
}

/// The request without its room, thing, number, capital and final mark. Fails where the command
/// says what the request does not.
std::string phrasing(const Row& row) {
  auto text = lower(row.request);
  if (text.ends_with('.') || text.ends_with('?')) text.pop_back();
  for (const char* key : {"room", "device", "media"}) {
    if (row.command.contains(key)) {
      EXPECT_TRUE(blank_out(text, row.command[key].get<std::string>(), "_"))
          << key << ": " << row.request;
    }
  }
  if (row.command.contains("value")) {
    const int value = row.command["value"].get<int>();
    EXPECT_TRUE(blank_out(text, std::to_string(value), "#") || blank_out(text, spoken(value), "#"))
        << row.request;
  }
  return text;
}

/// Every value of `key` in the commands of `rows`.
std::set<std::string> values(const std::vector<Row>& rows, const char* key) {
  std::set<std::string> all;
  for (const auto& row : rows) {
    if (row.command.contains(key)) all.insert(row.command[key].dump());
  }
  return all;
}

TEST(HomeControl, HasTheRowsItPromises) {
  EXPECT_EQ(train().size(), 2000u);
  EXPECT_EQ(heldout().size(), 300u);
  EXPECT_EQ(values(train(), "action").size(), 12u);
  EXPECT_EQ(values(heldout(), "action"), values(train(), "action"));
  EXPECT_EQ(values(train(), "room").size(), 14u);
}

TEST(HomeControl, EveryCommandFitsTheSchema) {
  const std::map<std::string, std::vector<std::string>> shapes = {
      {"turn_on", {"device"}},
      {"turn_off", {"device"}},
      {"set_brightness", {"device", "value"}},
      {"set_temperature", {"device", "value"}},
      {"set_volume", {"device", "value"}},
      {"mute", {"device"}},
      {"open", {"device"}},
      {"close", {"device"}},
      {"lock", {"device"}},
      {"unlock", {"device"}},
      {"play", {"media"}},
      {"set_timer", {"value"}}};
  for (const auto* rows : {&train(), &heldout()}) {
    for (const auto& row : *rows) {
      std::vector<std::string> keys;
      for (const auto& [key, value] : row.command.items()) keys.push_back(key);
      std::vector<std::string> expected = {"action"};
      for (const auto& key : shapes.at(row.command["action"].get<std::string>()))
        expected.push_back(key);
      if (row.command.contains("room")) {  // before the value, else at the end
        expected.insert(expected.end() - (expected.back() == "value" ? 1 : 0), "room");
      }
      EXPECT_EQ(keys, expected) << row.request;
    }
  }
}

TEST(HomeControl, NoRequestTwice) {
  std::set<std::string> seen;
  for (const auto* rows : {&train(), &heldout()}) {
    for (const auto& row : *rows) EXPECT_TRUE(seen.insert(row.request).second) << row.request;
  }
}

TEST(HomeControl, HeldOutPhrasingsAreNotInTraining) {
  std::set<std::string> known;
  for (const auto& row : train()) known.insert(phrasing(row));
  for (const auto& row : heldout()) EXPECT_FALSE(known.contains(phrasing(row))) << row.request;
}

TEST(HomeControl, EveryHeldOutRowNamesSomethingThatTrainingDoesNot) {
  std::map<std::string, std::set<std::string>> known;
  for (const char* key : {"room", "device", "media", "value"}) known[key] = values(train(), key);
  for (const auto& row : heldout()) {
    bool is_new = false;
    for (const auto& [key, names] : known) {
      is_new |= row.command.contains(key) && !names.contains(row.command[key].dump());
    }
    EXPECT_TRUE(is_new) << row.request;
  }
  EXPECT_EQ(values(heldout(), "room").size(), 20u);  // 14 known, 6 new
}

}  // namespace
}  // namespace hone
