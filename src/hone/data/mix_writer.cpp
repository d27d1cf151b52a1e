#include <utility>

#include <hone/base/split_mix.h>
#include <hone/data/mix_writer.h>
#include <hone/data/words.h>

namespace hone {
namespace {

Json message(const char* role, const std::string& content) {
  Json message = Json::object();
  message["role"] = role;
  message["content"] = content;
  return message;
}

}  // namespace

MixWriter::MixWriter(const std::vector<MixSource>& sources,
                     const MixOptions& options,
                     Intake& intake)
    : sources_(sources), options_(options), intake_(intake), outputs_(sources.size()) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].task) outputs_[i].templates.resize(sources[i].task->template_names().size());
  }
}

Json MixWriter::lay_out(const Instruction& instruction) const {
  Json row = Json::object();
  if (options_.layout == MixLayout::kMessages) {
    row["messages"] = Json::array(
        {message("user", instruction.prompt), message("assistant", instruction.completion)});
    return row;
  }
  row["prompt"] = instruction.prompt;
  row["completion"] = options_.separator + instruction.completion;
  return row;
}

Json MixWriter::make_row(std::uint64_t index, std::uint32_t round, bool is_train) {
  auto kept = intake_.at(index);
  const auto& source = sources_[kept.source];
  auto& output = outputs_[kept.source];
  if (!source.task) {
    if (!kept.record.contains("task")) kept.record["task"] = source.name;
    return std::move(kept.record);
  }
  const auto seed = derive_seed(options_.care.seed, index, 4);
  const auto& names = source.task->template_names();
  const auto which = (SplitMix(seed).below(names.size()) + round) % names.size();
  const auto instruction =
      source.task->render(kept.record, kept.place, which, derive_seed(seed, round));
  if (!instruction) {
    output.skipped.add("template " + names[which] + " makes nothing of it", kept.place);
    return nullptr;
  }
  if (is_train) {
    ++output.templates[which];
    prompt_words_.add(static_cast<std::int64_t>(count_words(instruction->prompt)));
    completion_words_.add(static_cast<std::int64_t>(count_words(instruction->completion)));
  }
  auto row = lay_out(*instruction);
  row["task"] = source.task_name();
  row["template"] = names[which];
  return row;
}

std::int64_t MixWriter::write_train(const std::vector<Pick>& picks,
                                    const std::filesystem::path& path,
                                    const std::function<void()>& tick) {
  AtomicFile file(path);
  std::int64_t rows = 0;
  for (const auto& pick : picks) {
    if (tick) tick();
    const auto row = make_row(intake_.sources()[pick.source].train[pick.row], pick.round, true);
    if (row.is_null()) continue;
    file.write(to_json_line(row) + "\n");
    ++rows;
    ++outputs_[pick.source].train;
    if (pick.round > 0) ++outputs_[pick.source].repeated;
  }
  file.commit();
  return rows;
}

std::int64_t MixWriter::write_set_apart(bool unseen,
                                        const std::filesystem::path& path,
                                        const std::function<void()>& tick) {
  AtomicFile file(path);
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (intake_.sources()[i].unseen != unseen) continue;
    for (const auto index : intake_.sources()[i].held_out) {
      if (tick) tick();
      const auto row = make_row(index, 0, false);
      if (row.is_null()) continue;
      file.write(to_json_line(row) + "\n");
      ++rows;
      ++outputs_[i].held_out;
    }
  }
  file.commit();
  return rows;
}

}  // namespace hone
