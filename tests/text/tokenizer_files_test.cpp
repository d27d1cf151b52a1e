#include <cstdlib>
#include <thread>

#include <hone/base/files.h>

#include "format/corpus.h"
#include "tokenizer_support.h"

namespace hone::testing {
namespace {

namespace fs = std::filesystem;

/// A whole tokenizer in a few hundred bytes.
std::string tiny_file() {
  return R"({"version":"1.0","added_tokens":[{"id":7,"content":"<e>","single_word":false,"lstrip":false,)"
         R"("rstrip":true,"normalized":false,"special":true}],"normalizer":{"type":"Sequence","normalizers":[)"
         R"({"type":"NFC"},{"type":"Replace","pattern":{"String":"z"},"content":"a"}]},"pre_tokenizer":{"type":)"
         R"("Split","pattern":{"Regex":"\\s+|[^\\s]+"},"behavior":"Isolated","invert":false},"post_processor":)"
         R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":)"
         R"("<e>","type_id":0}}],"special_tokens":{"<e>":{"id":"<e>","ids":[7],"tokens":["<e>"]}}},"decoder":)"
         R"({"type":"Fuse"},"model":{"type":"BPE","unk_token":"?","fuse_unk":false,"vocab":{"?":0,"a":1,"b":2,)"
         R"(" ":3,"ab":4,"aba":5,"bb":6},"merges":[["a","b"],"b b",["ab","a"]]}})";
}

Tokenizer parse(std::string_view text) {
  return tokenizer_from(parse_json(text, "tokenizer.json"));
}

std::string replaced(std::string text, std::string_view search, std::string_view content) {
  const auto at = text.find(search);
  EXPECT_NE(at, std::string::npos) << search;
  return text.replace(at, search.size(), content);
}

TEST(TokenizerFiles, TinyFileWorks) {
  const auto tokenizer = parse(tiny_file());
  EXPECT_EQ(tokenizer.encode("abab zba?<e> b", {.add_special_tokens = true}),
            Ids({4, 4, 3, 5, 0, 7, 2, 7}));
  EXPECT_EQ(tokenizer.decode(Ids({5, 2, 7, 3})), "abab ");
  EXPECT_EQ(tokenizer.decode(Ids({5, 7}), false), "aba<e>");
  EXPECT_EQ(tokenizer.vocab_size(), 8);
}

TEST(TokenizerFiles, TheCorpusLoadsOrIsRefusedAsNamed) {
  for (const auto& path : testing::corpus_files("tokenizer")) {
    const auto message = error_of([&] {
      const auto tokenizer = load_tokenizer(path);
      EXPECT_FALSE(tokenizer.encode("abab bb").empty()) << path;
    });
    EXPECT_EQ(message.empty(), testing::must_load(path)) << path << ": " << message;
  }
}

TEST(TokenizerFiles, EveryTruncationIsAnError) {
  const auto text = tiny_file();
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto message = error_of([&] { parse(text.substr(0, length)); });
    EXPECT_TRUE(message.starts_with("tokenizer.json")) << length << ": " << message;
  }
  const auto large = read_file(fixture_path("text/byte_level.json"));
  for (std::size_t length = 0; length + 2 < large.size(); length += 211) {
    EXPECT_NE(error_of([&] { parse(large.substr(0, length)); }), "") << length;
  }
}

TEST(TokenizerFiles, EveryChangedByteIsReadOrRefused) {
  const auto text = tiny_file();
  std::size_t refused = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int flip : {0x01, 0x08, 0x20, 0x80}) {
      auto changed = text;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const auto message = error_of([&] {
        const auto tokenizer = parse(changed);
        tokenizer.decode(tokenizer.encode("abab zba?<e> b\u0301", {.add_special_tokens = true}));
      });
      refused += message.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, text.size());  // most changes break the JSON or a name
}

TEST(TokenizerFiles, BadPartsAreNamed) {
  struct Bad {
    const char* search;
    const char* content;
    const char* message;
  };
  for (const auto& [search, content, message] : {
           Bad{R"("type":"BPE")", R"("type":"Unigram")", "model.type \"Unigram\" is not supported"},
           {R"("vocab")", R"("vocabulary")", "model.vocab is missing"},
           {R"("merges")", R"("merge")", "model.merges is missing"},
           {R"("model")", R"("modell")", "tokenizer.json: model is missing"},
           {R"("bb":6)", R"("bb":5)", "id 5 belongs to both \"aba\" and \"bb\""},
           {R"("bb":6)", R"("bb":-1)", "impossible id -1"},
           {R"("bb":6)", R"("bb":99999999999)", "impossible id"},
           {R"("bb":6)", R"("bb":"6")", "the id of \"bb\" must be an integer, got string"},
           {R"("id":7,"content")", R"("id":6,"content")",
            "id 6 belongs to both \"bb\" and \"<e>\""},
           {R"("content":"<e>")", R"("content":"ab")", "token \"ab\" has two ids, 4 and 7"},
           {R"("b b")", R"("b c")", "needs the token \"c\", which is not in the vocabulary"},
           {R"("b b")", R"("b b b")", "merge 1 must be two tokens"},
           {R"("b b")", R"("ab b")", "needs the token \"abb\", which is not in the vocabulary"},
           {R"("unk_token":"?")", R"("unk_token":"!")", "unk_token \"!\" is not in the vocabulary"},
           {R"({"type":"NFC"})", R"({"type":"Precompiled"})",
            "normalizer: type \"Precompiled\" is not supported"},
           {R"("type":"Split")", R"("type":"Spilt")",
            "pre_tokenizer: type \"Spilt\" is not supported"},
           {R"([^\\s]+)", R"([^\\s+)", "bad pattern"},
           {R"("Isolated")", R"("Alone")", "behavior \"Alone\" is not supported"},
           {R"({"type":"Fuse"})", R"({"type":"CTC"})", "decoder: type \"CTC\" is not supported"},
           {R"("ids":[7])", R"("ids":[70])", "no token has the id 70"},
           {R"("fuse_unk":false)", R"("fuse_unk":"no")",
            "model.fuse_unk must be true or false, got string"},
           {R"("fuse_unk":false)", R"("dropout":0.1)", "model.dropout is not supported"},
       }) {
    const auto text = error_of([&] { parse(replaced(tiny_file(), search, content)); });
    EXPECT_TRUE(text.starts_with("tokenizer.json: ")) << text;
    EXPECT_NE(text.find(message), std::string::npos) << text;
  }
}

TEST(TokenizerFiles, NoTokenizerIsSaidByName) {
  const TemporaryFolder scratch;
  const auto message = [&](const fs::path& path) {
    return error_of([&] { load_tokenizer(path); });
  };
  EXPECT_NE(message(scratch.path()).find("has no tokenizer.json, tokenizer.model, or vocab.json"),
            std::string::npos);
  EXPECT_NE(message(scratch.path() / "no.json").find("no such file or folder"), std::string::npos);
  write_file(scratch.path() / "a.txt", "x");
  EXPECT_NE(message(scratch.path() / "a.txt").find("a tokenizer is a .gguf"), std::string::npos);
  for (const char* name : {"a.json", "a.model", "a.gguf"}) {
    write_file(scratch.path() / name, "");
    EXPECT_NE(message(scratch.path() / name).find(name), std::string::npos) << name;
  }
}

TEST(TokenizerFiles, EveryTruncatedSentencePieceModelIsReadOrRefused) {
  const auto bytes = read_file(fixture_path("text/pieces_unigram.model"));
  std::size_t refused = 0;
  for (std::size_t length = 0; length < bytes.size(); length += 5) {
    const auto message = error_of([&] {
      const SentencePieceModel model(bytes.substr(0, length), "cut.model");
      Ids ids;
      model.encode("the lamp", true, ids);
    });
    EXPECT_TRUE(message.empty() || message.starts_with("cut.model: ")) << message;
    refused += message.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, bytes.size() / 10);
}

/// vocab.json and merges.txt with the content of byte_level.json.
void write_vocab_and_merges(const fs::path& folder) {
  const auto model = text_fixture("byte_level.json")["model"];
  write_json(folder / "vocab.json", model["vocab"]);
  std::string merges = "#version: 0.2\n";
  for (const auto& merge : model["merges"]) {
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  }
  write_file(folder / "merges.txt", merges);
}

TEST(TokenizerFiles, VocabAndMergesFollowTheTokenizerClass) {
  const TemporaryFolder scratch;
  write_vocab_and_merges(scratch.path());
  const auto pipelines = text_fixture("pipelines.json");
  const auto write_config = [&](const std::string& name) {
    write_file(
        scratch.path() / "tokenizer_config.json",
        R"({"tokenizer_class":")" + name +
            R"(","eos_token":{"content":"<|im_end|>"},"bos_token":null,)"
            R"("added_tokens_decoder":{"993":{"content":"<|im_start|>","special":true},)"
            R"("992":{"content":"<|endoftext|>","special":true},"994":{"content":"<|im_end|>","special":true}},)"
            R"("chat_template":[{"name":"tool","template":"T"},{"name":"default","template":"D"}]})");
  };
  const auto first_added = text_fixture("byte_level.json")["model"]["vocab"].size();
  for (const auto& [name, variant] :
       {std::pair("GPT2Tokenizer", "gpt2"), {"Qwen2TokenizerFast", "qwen2"}}) {
    write_config(name);
    auto text = read_file(scratch.path() / "tokenizer_config.json");
    for (const auto& [from, offset] : {std::pair("\"993\"", 1), {"\"992\"", 0}, {"\"994\"", 2}}) {
      text = replaced(text, from, concat('"', first_added + static_cast<std::size_t>(offset), '"'));
    }
    write_file(scratch.path() / "tokenizer_config.json", text);
    const auto tokenizer = load_tokenizer(scratch.path());
    EXPECT_EQ(tokenizer.eos_id(), tokenizer.id_of("<|im_end|>"));
    EXPECT_EQ(tokenizer.bos_id(), std::nullopt);
    EXPECT_EQ(tokenizer.chat_template(), "D");
    for (std::size_t i = 0; i < pipelines["texts"].size(); ++i) {
      const auto source = pipelines["texts"][i].get<std::string>();
      // Only the three tokens above are added here; and Qwen2 composes characters.
      if (source.find_first_of("<[") != std::string::npos ||
          source.find("Straße") != std::string::npos)
        continue;
      const bool composed = tokenizer.decode(tokenizer.encode(source)) == source;
      if (composed) {
        EXPECT_EQ(tokenizer.encode(source), pipelines[variant]["ids"][i].get<Ids>()) << source;
      }
    }
  }
  write_config("RobertaTokenizer");
  EXPECT_NE(error_of([&] {
              load_tokenizer(scratch.path());
            }).find("tokenizer_class \"RobertaTokenizer\""),
            std::string::npos);
}

TEST(TokenizerFiles, BadMergesAreNamedByLine) {
  const TemporaryFolder scratch;
  write_vocab_and_merges(scratch.path());
  for (const char* bad : {"a", "a b c", " a", "a "}) {
    write_file(scratch.path() / "merges.txt", concat("#version: 0.2\n\n", bad, "\n"));
    EXPECT_NE(error_of([&] { load_tokenizer(scratch.path()); }).find("merges.txt:3: "),
              std::string::npos)
        << bad;
  }
}

TEST(TokenizerFiles, SavedIsTheSame) {
  for (const char* name :
       {"byte_level.json", "byte_fallback.json", "pieces_bpe.model", "pieces_unigram.model"}) {
    const TemporaryFolder scratch;
    const auto tokenizer = fixture_tokenizer(name);
    save_tokenizer(tokenizer, scratch.path() / "new" / "folder");
    const auto again = load_tokenizer(scratch.path() / "new" / "folder");
    EXPECT_EQ(again.hash(), tokenizer.hash()) << name;
    EXPECT_EQ(again.vocab_size(), tokenizer.vocab_size());
    EXPECT_EQ(again.bos_id(), tokenizer.bos_id());
    EXPECT_EQ(again.eos_id(), tokenizer.eos_id());
    for (const auto& source : fixture_texts("texts")) {
      EXPECT_EQ(again.encode(source), tokenizer.encode(source)) << name;
      EXPECT_EQ(again.decode(tokenizer.encode(source)), tokenizer.decode(tokenizer.encode(source)));
    }
  }
}

TEST(TokenizerFiles, CompanionsAreRead) {
  const TemporaryFolder scratch;
  fs::copy_file(fixture_path("text/byte_level.json"), scratch.path() / "tokenizer.json");
  write_file(scratch.path() / "special_tokens_map.json",
             R"({"eos_token":"<|endoftext|>","pad_token":"<|endoftext|>"})");
  write_file(
      scratch.path() / "tokenizer_config.json",
      R"({"eos_token":"<|im_end|>","bos_token":"<|im_start|>","add_bos_token":true,"chat_template":"old"})");
  write_file(scratch.path() / "chat_template.jinja", "new");
  const auto tokenizer = load_tokenizer(scratch.path());
  EXPECT_EQ(tokenizer.token_of(tokenizer.eos_id().value()), "<|im_end|>");
  EXPECT_EQ(tokenizer.token_of(tokenizer.pad_id().value()), "<|endoftext|>");
  EXPECT_EQ(tokenizer.chat_template(), "new");
  EXPECT_EQ(tokenizer.encode("", {.add_special_tokens = true}), Ids({tokenizer.bos_id().value()}));
  EXPECT_EQ(tokenizer.encode(""), Ids());
  write_file(scratch.path() / "tokenizer_config.json",
             R"({"added_tokens_decoder":{"x":{"content":"y"}}})");
  EXPECT_NE(error_of([&] { load_tokenizer(scratch.path()); }).find("\"x\" is no token id"),
            std::string::npos);
}

TEST(TokenizerFiles, HashTellsTokenizersApart) {
  const auto hash = parse(tiny_file()).hash();
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(parse(tiny_file()).hash(), hash);
  struct Change {
    const char* search;
    const char* content;
  };
  for (const auto& [search, content] : {Change{R"("bb":6)", R"("bb":6,"c":8)"},
                                        {R"("b b")", R"(["ab","a"])"},
                                        {R"("rstrip":true)", R"("rstrip":false)"},
                                        {R"("special":true)", R"("special":false)"},
                                        {R"({"type":"NFC"})", R"({"type":"NFD"})"},
                                        {R"("Isolated")", R"("Removed")"},
                                        {R"("fuse_unk":false)", R"("fuse_unk":true)"},
                                        {R"("unk_token":"?",)", ""},
                                        {R"("ids":[7])", R"("ids":[6])"}}) {
    EXPECT_NE(parse(replaced(tiny_file(), search, content)).hash(), hash) << search;
  }
  // How text is decoded changes no id.
  EXPECT_EQ(parse(replaced(tiny_file(), R"({"type":"Fuse"})", R"({"type":"ByteFallback"})")).hash(),
            hash);
}

TEST(TokenizerFiles, IdsOutsideTheVocabularyAreRefused) {
  for (const char* name : {"byte_level.json", "pieces_bpe.model"}) {
    const auto tokenizer = fixture_tokenizer(name);
    for (const std::int64_t id :
         {std::int64_t{-1}, tokenizer.vocab_size(), std::int64_t{1} << 40}) {
      EXPECT_NE(error_of([&] { tokenizer.decode(Ids({id})); }).find("no token has the id"),
                std::string::npos);
      EXPECT_NE(error_of([&] { tokenizer.token_of(id); }), "");
      EXPECT_FALSE(tokenizer.is_special(id));
    }
  }
}

TEST(TokenizerFiles, EncodesFromSeveralThreads) {
  const auto fixture = text_fixture("ids.json");
  for (const std::string name : {"byte_level", "byte_fallback"}) {
    const auto tokenizer = fixture_tokenizer(name + ".json");
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (auto& count : wrong) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
          const auto ids = tokenizer.encode(fixture["texts"][i].get<std::string>());
          count += ids == fixture[name][i].get<Ids>() ? 0 : 1;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
  }
}

TEST(TokenizerFiles, SmolLm2FromItsGgufFile) {
  const char* cache = std::getenv("HONE_CACHE");
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path folder = cache != nullptr ? fs::path(cache)
                          : xdg != nullptr
                              ? fs::path(xdg) / "hone"
                              : fs::path(home == nullptr ? "" : home) / ".cache" / "hone";
  const auto path = folder / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(path)) return;
  const auto tokenizer = load_tokenizer(path);
  EXPECT_EQ(tokenizer.vocab_size(), 49152);
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_EQ(tokenizer.pad_id(), 2);
  EXPECT_EQ(tokenizer.encode("<|im_start|>user\nIn 2024: 12 apples<|im_end|>"),
            Ids({1, 4093, 198, 788, 216, 34, 32, 34, 36, 42, 216, 33, 34, 13855, 2}));
  const auto fixture = text_fixture("model_ids.json");
  for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
    const auto source = fixture["texts"][i].get<std::string>();
    EXPECT_EQ(tokenizer.encode(source), fixture["SmolLM2"][i].get<Ids>()) << source;
  }
  const TemporaryFolder scratch;
  save_tokenizer(tokenizer, scratch.path());
  const auto again = load_tokenizer(scratch.path());
  EXPECT_EQ(again.hash(), tokenizer.hash());
  EXPECT_EQ(again.chat_template(), tokenizer.chat_template());
  for (const auto& source : fixture_texts("texts")) {
    EXPECT_EQ(again.encode(source), tokenizer.encode(source));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(source), false), source);
  }
}

}  // namespace
}  // namespace hone::testing
