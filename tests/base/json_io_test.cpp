#include <hone/base/json_io.h>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>

namespace hone {
namespace {

TEST(ParseJson, KeepsKeyOrder) {
  EXPECT_EQ(parse_json(R"({"b":1,"a":[true,null,"x"],"c":{"z":1.5}})", "here").dump(),
            R"({"b":1,"a":[true,null,"x"],"c":{"z":1.5}})");
}

TEST(ParseJson, RefusesByPlace) {
  for (const char* bad : {R"({"a":1,"a":2})", "{", "1e400", "NaN", R"("\ud800")", "[1,]", "", "1 2"}) {
    try {
      parse_json(bad, "file:7");
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("file:7: ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace hone
