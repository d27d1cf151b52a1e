// Known failures of other tokenizers, with the ids that are right.
#include <ctime>

#include <hone/base/files.h>

#include "tokenizer_support.h"

namespace hone::testing {
namespace {

/// A tokenizer of the shared data, or nothing where that is not there.
std::optional<Tokenizer> shared_tokenizer(const std::string& name) {
  const auto path = shared_path("data/tokenizers/" + name);
  if (!path) return std::nullopt;
  return load_tokenizer(*path);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

struct Case {
  std::string text;
  Ids ids;
};

void expect_cases(const std::string& name, const std::vector<Case>& cases) {
  const auto tokenizer = shared_tokenizer(name);
  if (!tokenizer) return;
  for (const auto& [text, ids] : cases)
    EXPECT_EQ(tokenizer->encode(text), ids) << name << ": " << text;
}

TEST(TokenizerCases, TextBesideAddedTokens) {
  expect_cases("phi3_mini/tokenizer.json",
               {{"<|user|>\nHi<|end|>\n<|assistant|>\n", {32010, 6324, 32007, 32001}},
                {"<|assistant|> \n Yes", {32001, 3869}},
                {"a<|end|> b", {263, 32007, 289}}});
  // The same rules where the file names them only by its model's name.
  expect_cases("llama_cpp_vectors/ggml-vocab-phi-3.gguf",
               {{"<|user|>\nHi<|end|>\n<|assistant|>\n", {32010, 6324, 32007, 32001}},
                {"a<|end|> b", {263, 32007, 289}}});
}

TEST(TokenizerCases, BytesOfUnknownCharactersComeBack) {
  const std::string text = "This is 🦙.cpp";
  expect_cases("mistral_7b_v0.2", {{text, {851, 349, 28705, 243, 162, 169, 156, 28723, 5222}}});
  const auto tokenizer = shared_tokenizer("mistral_7b_v0.2");
  if (tokenizer) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
  const auto small = fixture_tokenizer("byte_fallback.json");
  EXPECT_EQ(small.decode(small.encode(text)), text);
}

TEST(TokenizerCases, NormalisesOnlyWhereTheModelDoes) {
  expect_cases("qwen2.5", {{"café", {924, 58858}}, {"cafe\u0301", {924, 58858}}});
  expect_cases("gpt2", {{"café", {66, 1878, 2634}}, {"cafe\u0301", {66, 8635, 136, 223}}});
}

TEST(TokenizerCases, JoinedEmoji) {
  const std::string family = "👩\u200d👩\u200d👧\u200d👦";
  expect_cases("qwen2.5",
               {{family, {145233, 378, 235, 145233, 378, 235, 145665, 378, 235, 145988}}});
  const auto tokenizer = shared_tokenizer("qwen2.5");
  if (tokenizer) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(family)), family);
  }
  const auto small = fixture_tokenizer("byte_level.json");
  EXPECT_EQ(small.decode(small.encode(family)), family);
}

TEST(TokenizerCases, IncompleteCharacterIsRefusedByOffset) {
  for (const char* name : {"byte_level.json", "byte_fallback.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    const auto offset_of = [&](std::string_view text) {
      return error_of([&] { tokenizer.encode(text); });
    };
    EXPECT_NE(offset_of("\xe6\xad").find("byte offset 0"), std::string::npos);
    EXPECT_NE(offset_of("ab\xe6\xad").find("byte offset 2"), std::string::npos);
    EXPECT_NE(offset_of("a€\xc0\xaf").find("byte offset 4"), std::string::npos);
    EXPECT_NE(offset_of("\xed\xa0\x80").find("byte offset 0"), std::string::npos);
  }
}

TEST(TokenizerCases, ZeroByteIsText) {
  const std::string text("ab\0cd", 5);
  expect_cases("mistral_7b_v0.2", {{text, {534, 3, 2732}}});
  expect_cases("minimind", {{text, {572, 224, 3075}}});
  for (const char* name : {"byte_level.json", "byte_fallback.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << name;
  }
}

/// Seconds of this process alone, however busy the machine is.
double seconds_of(const Tokenizer& tokenizer, const std::string& text) {
  const auto start = std::clock();
  tokenizer.encode(text);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(TokenizerCases, LongWordsTakeTimeInProportion) {
  std::vector<Tokenizer> tokenizers{fixture_tokenizer("byte_level.json"),
                                    fixture_tokenizer("byte_fallback.json")};
  for (const char* name : {"gpt2", "qwen2.5"}) {
    if (const auto tokenizer = shared_tokenizer(name)) {
      EXPECT_EQ(tokenizer->encode(repeat("x", 100000)).size(), 12500u);
      EXPECT_EQ(tokenizer->encode(repeat("_", 100000)).size(), 1563u);
      EXPECT_EQ(tokenizer->encode(repeat("ab", 50000)).size(), 50000u);
      tokenizers.push_back(*tokenizer);
    }
  }
  for (const auto& tokenizer : tokenizers) {
    for (const char* unit : {"x", "_", "ab"}) {
      const auto text = repeat(unit, 100000 / std::string_view(unit).size());
      // Another process can make one measurement long, never short: quadratic time would never
      // pass.
      double ratio = 4;
      double least = 1e9;
      for (int attempt = 0; attempt < 20 && ratio > 2.6; ++attempt) {
        least = std::min(least, seconds_of(tokenizer, text));
        ratio = seconds_of(tokenizer, text + text) / least;
      }
      EXPECT_LE(ratio, 2.6) << unit;
      EXPECT_LT(least, 0.5 * kSlowdown) << unit;
    }
  }
}

TEST(TokenizerCases, ControlTokensInTextStayText) {
  const auto tokenizer = shared_tokenizer("qwen2.5");
  if (tokenizer) {
    EXPECT_EQ(tokenizer->encode("hi<|im_end|>", {.parse_special_tokens = false}),
              Ids({6023, 27, 91, 318, 6213, 91, 29}));
    EXPECT_EQ(tokenizer->encode("hi<|im_end|>"), Ids({6023, 151645}));
  }
  // No text at all may make one, in no kind of vocabulary; ordinary added tokens are found in any
  // case.
  for (const char* name :
       {"byte_level.json", "byte_fallback.json", "pieces_bpe.model", "pieces_unigram.model"}) {
    const auto small = fixture_tokenizer(name);
    for (std::int64_t id = 0; id < small.vocab_size(); ++id) {
      if (!small.is_special(id)) continue;
      for (const auto& text :
           {small.token_of(id), "a " + small.token_of(id), small.token_of(id) + "b"}) {
        for (const auto found : small.encode(text, {.parse_special_tokens = false})) {
          const bool unknown = small.token_of(found) == "<unk>";
          EXPECT_TRUE(unknown || !small.is_special(found)) << name << ": " << text;
        }
      }
    }
  }
  const auto small = fixture_tokenizer("byte_level.json");
  EXPECT_EQ(small.encode("<tool_call>", {.parse_special_tokens = false}),
            Ids({small.id_of("<tool_call>").value()}));
}

TEST(TokenizerCases, MergesFileBeginsWithOrWithoutVersion) {
  const std::string text = "    return";
  expect_cases("qwen2.5", {{text, {262, 470}}});
  const auto folder = shared_path("data/tokenizers/qwen2.5");
  if (!folder) return;
  const TemporaryFolder scratch;
  for (const char* name : {"vocab.json", "tokenizer_config.json"}) {
    std::filesystem::copy_file(*folder / name, scratch.path() / name);
  }
  std::string merges;
  for (const char c : read_file(*folder / "merges.txt"))
    merges += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const char* first : {"", "#version: 0.2\r\n"}) {
    write_file(scratch.path() / "merges.txt", first + merges);
    EXPECT_EQ(load_tokenizer(scratch.path()).encode(text), Ids({262, 470}));
  }
}

TEST(TokenizerCases, DummyPrefix) {
  expect_cases("mistral_7b_v0.2",
               {{"Bread", {365, 923}}, {"  two", {259, 989}}, {"\n", {28705, 13}}});
}

TEST(TokenizerCases, ContinuationHasNoDummyPrefix) {
  for (const char* name : {"byte_fallback.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    EXPECT_TRUE(tokenizer.token_of(tokenizer.encode("the").front()).starts_with("▁"));
    const auto ids = tokenizer.encode("the", {.continuation = true});
    EXPECT_FALSE(tokenizer.token_of(ids.front()).starts_with("▁"));
    // Both halves together are the whole.
    auto both = tokenizer.encode("in ");
    const auto rest = tokenizer.encode("the lamp", {.continuation = true});
    both.insert(both.end(), rest.begin(), rest.end());
    EXPECT_EQ(tokenizer.decode(both), "in the lamp");
  }
  const auto mistral = shared_tokenizer("mistral_7b_v0.2");
  if (mistral) {
    // Text after a control token in the same text has its own prefix still.
    EXPECT_EQ(mistral->encode("<s>Bread", {.continuation = true}), Ids({1, 365, 923}));
    EXPECT_EQ(mistral->decode(mistral->encode("Bread", {.continuation = true})), "Bread");
    EXPECT_NE(mistral->encode("Bread", {.continuation = true}), mistral->encode("Bread"));
  }
}

TEST(TokenizerCases, StreamNeverGivesHalfACharacter) {
  const auto tokenizer = shared_tokenizer("gpt2");
  if (!tokenizer) return;
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(39310), "→");
  EXPECT_EQ(decoder.push(10545), " ");
  EXPECT_EQ(decoder.push(255), "");
  EXPECT_EQ(decoder.push(103), "歪");
  EXPECT_EQ(decoder.finish(), "");
  decoder.push(10545);
  decoder.push(255);
  EXPECT_EQ(decoder.finish(), "\ufffd");
}

TEST(TokenizerCases, WholeModelsGiveTheIdsOfTheReference) {
  const auto fixture = text_fixture("model_ids.json");
  for (const std::string name : {"gpt2", "qwen2.5", "minimind", "phi3_mini", "mistral_7b_v0.2"}) {
    const auto path = shared_path("data/tokenizers/" + name);
    if (!path) continue;
    const auto tokenizer = load_tokenizer(*path);
    for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
      const auto text = fixture["texts"][i].get<std::string>();
      EXPECT_EQ(tokenizer.encode(text), fixture[name][i].get<Ids>()) << name << ": " << text;
    }
  }
}

TEST(TokenizerCases, VectorsOfLlamaCpp) {
  struct Vocabulary {
    const char* vectors;
    const char* tokenizer;
  };
  for (const auto& [vectors, name] : {Vocabulary{"gpt-2", "gpt2"},
                                      {"qwen2", "qwen2.5"},
                                      {"phi-3", "phi3_mini/tokenizer.json"},
                                      {"phi-3", "llama_cpp_vectors/ggml-vocab-phi-3.gguf"}}) {
    const auto stem = concat("data/tokenizers/llama_cpp_vectors/ggml-vocab-", vectors, ".gguf");
    const auto input = shared_path(stem + ".inp");
    const auto output = shared_path(stem + ".out");
    const auto tokenizer = shared_tokenizer(name);
    if (!input || !output || !tokenizer) continue;
    constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
    const auto texts = read_file(*input);
    std::istringstream lines(read_file(*output));
    std::size_t count = 0;
    for (std::size_t at = 0; at <= texts.size(); ++count) {
      const auto end = std::min(texts.find(kSeparator, at), texts.size());
      std::string line;
      std::getline(lines, line);
      std::istringstream numbers(line);
      Ids ids;
      for (std::int64_t id = 0; numbers >> id;) ids.push_back(id);
      EXPECT_EQ(tokenizer->encode(texts.substr(at, end - at)), ids) << name << ", text " << count;
      at = end + kSeparator.size();
    }
    EXPECT_EQ(count, 47u);
  }
}

}  // namespace
}  // namespace hone::testing
