#include <algorithm>
#include <numeric>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/progress.h>
#include <hone/base/utf8.h>
#include <hone/data/mix.h>
#include <hone/data/mix_writer.h>

namespace hone {
namespace {

/// The plan: how many rows each source gives.
struct Plan {
  std::vector<std::uint64_t> counts;
  std::vector<double> rates;
  std::vector<std::uint64_t> quota;
};

Plan make_plan(const std::vector<MixSource>& sources,
               const MixOptions& options,
               const Intake& intake) {
  Plan plan;
  std::vector<double> weights;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    plan.counts.push_back(intake.sources()[i].train.size());
    if (sources[i].weight) weights.push_back(intake.sources()[i].unseen ? 0.0 : *sources[i].weight);
  }
  if (std::ranges::all_of(plan.counts, [](auto count) { return count == 0; }))
    fail("no record is left to train on");
  if (!weights.empty() && options.cap > 0)
    fail("cap is for sources without weights; these have weights");
  plan.rates = weights.empty() ? proportional_rates(plan.counts, options.cap)
                               : weighted_rates(weights, plan.counts);
  auto total = options.rows;
  if (total == 0 && !weights.empty()) total = largest_total(plan.rates, plan.counts);
  if (total == 0) {
    for (const auto count : plan.counts)
      total += options.cap == 0 ? count : std::min(count, options.cap);
  }
  plan.quota = quotas(plan.rates, total);
  return plan;
}

Json source_report(const MixSource& source,
                   const SourceIntake& intake,
                   const SourceOutput& output,
                   double rate) {
  Json report = Json::object();
  report["name"] = source.name;
  report["task"] = source.task_name();
  report["read"] = intake.read;
  report["dropped"] = intake.dropped.json();
  report["kept_for_training"] = intake.train.size();
  report["set_apart"] = intake.held_out.size();
  report["unseen"] = intake.unseen;
  report["rate"] = rate;
  report["train_rows"] = output.train;
  report["repeated_rows"] = output.repeated;
  report["set_apart_rows"] = output.held_out;
  report["skipped"] = output.skipped.json();
  report["templates"] = Json::object();
  for (std::size_t i = 0; i < output.templates.size(); ++i)
    report["templates"][source.task->template_names()[i]] = output.templates[i];
  return report;
}

std::string grouped(std::size_t count) {
  return format_count(static_cast<double>(count));
}

std::string length_line(const char* what, const LengthStatistics& lengths) {
  return concat("words of ", what, ": median ", lengths.percentile(0.5), ", 99 % ",
                lengths.percentile(0.99), ", longest ", lengths.percentile(1.0));
}

void describe_source(const MixSource& source,
                     const SourceIntake& intake,
                     const SourceOutput& output,
                     std::vector<std::string>& lines) {
  lines.push_back(concat(
      source.name, ": read ", grouped(static_cast<std::size_t>(intake.read)), ", dropped ",
      grouped(static_cast<std::size_t>(intake.dropped.total())), ", set apart ",
      grouped(intake.held_out.size()), intake.unseen ? " (unseen)" : "", ", rows to train on ",
      grouped(static_cast<std::size_t>(output.train)),
      output.repeated > 0 ? concat(" (", output.repeated, " of them repeat a record)") : ""));
  for (const auto& entry : intake.dropped.entries()) {
    lines.push_back(
        concat("  dropped ", entry.count, ": ", entry.what, ", first ", entry.first_place));
  }
  for (const auto& entry : output.skipped.entries()) {
    lines.push_back(
        concat("  skipped ", entry.count, ": ", entry.what, ", first ", entry.first_place));
  }
}

void write_contaminated(const Intake& intake, const std::filesystem::path& path) {
  AtomicFile file(path);
  for (const auto& found : intake.contaminated()) {
    Json line = Json::object();
    line["place"] = found.place;
    line["evaluation"] = found.match.evaluation;
    line["words"] = found.match.words;
    file.write(to_json_line(line) + "\n");
  }
  file.commit();
}

Json contamination_report(const Intake& intake) {
  Json report = Json::object();
  report["evaluation_rows"] = intake.contamination().rows();
  report["shorter_than_n_gram"] = intake.contamination().short_rows();
  report["records_found"] = intake.contaminated().size();
  return report;
}

/// Fills lines and report once all is written.
void summarise(const std::vector<MixSource>& sources,
               const MixOptions& options,
               const Intake& intake,
               const Plan& plan,
               const MixWriter& writer,
               MixSummary& summary) {
  Json& report = summary.report = Json::object();
  report["seed"] = options.care.seed;
  report["train_rows"] = summary.train;
  report["held_out_rows"] = summary.held_out;
  report["unseen_rows"] = summary.unseen;
  report["sources"] = Json::array();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto& output = writer.outputs()[i];
    describe_source(sources[i], intake.sources()[i], output, summary.lines);
    report["sources"].push_back(
        source_report(sources[i], intake.sources()[i], output, plan.rates[i]));
  }
  report["prompt_words"] = writer.prompt_words().json();
  report["completion_words"] = writer.completion_words().json();
  if (writer.prompt_words().count() > 0) {
    summary.lines.push_back(length_line("prompts", writer.prompt_words()));
    summary.lines.push_back(length_line("completions", writer.completion_words()));
  }
  if (options.care.evaluation.empty()) return;
  report["contamination"] = contamination_report(intake);
  summary.lines.push_back(
      concat("evaluation rows: ", grouped(intake.contamination().rows()), ", ",
             intake.contamination().short_rows(), " of them shorter than ", options.care.n_gram,
             " words; records that hold words of them: ", grouped(intake.contaminated().size())));
}

}  // namespace

MixLayout mix_layout(const std::string& name) {
  if (name == "prompt-completion") return MixLayout::kPromptCompletion;
  if (name == "messages") return MixLayout::kMessages;
  fail("layout ", quote(name), " is not one of prompt-completion, messages");
}

MixSummary mix(const std::vector<MixSource>& sources,
               const MixOptions& options,
               const std::filesystem::path& folder,
               const std::function<void()>& tick) {
  Intake intake(sources, options.care, folder);
  intake.read(tick);
  const auto plan = make_plan(sources, options, intake);
  MixWriter writer(sources, options, intake);
  MixSummary summary;
  summary.train = writer.write_train(pick_rows(plan.quota, plan.counts, options.care.seed),
                                     folder / "train.jsonl", tick);
  if (options.care.held_out > 0.0)
    summary.held_out = writer.write_set_apart(false, folder / "held_out.jsonl", tick);
  if (!options.care.unseen.empty())
    summary.unseen = writer.write_set_apart(true, folder / "unseen.jsonl", tick);
  if (summary.train == 0) fail("no row is left to train on: the templates make nothing of any");
  if (!options.care.evaluation.empty()) write_contaminated(intake, folder / "contaminated.jsonl");
  summarise(sources, options, intake, plan, writer, summary);
  write_json(folder / "summary.json", summary.report);
  return summary;
}

}  // namespace hone
