#include <cstdio>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include <hone/base/error.h>
#include <hone/base/files.h>
#include <hone/base/row_source.h>
#include <hone/training/run.h>

namespace hone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kFinal = "final";
constexpr const char* kBest = "best";

bool holds_run(const fs::path& folder) {
  return fs::exists(folder / kMetrics) || fs::exists(folder / kFinal) ||
         !list_checkpoints(folder).empty();
}

void remove_run(const fs::path& folder) {
  for (const auto& checkpoint : list_checkpoints(folder)) fs::remove_all(checkpoint);
  fs::remove_all(folder / kFinal);
  fs::remove_all(folder / kBest);
  fs::remove(folder / kMetrics);
}

/// Folders under temporary names that a killed process left behind.
void remove_leftovers(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(".") && name.find(".tmp-") != std::string::npos)
      fs::remove_all(entry.path());
  }
}

std::string loss_note(const Json& metrics) {
  char text[48];
  std::snprintf(text, sizeof text, "loss %.4f", metrics.value("loss", 0.0));
  return text;
}

}  // namespace

void validate(const RunConfig& config) {
  check_option(!config.output_dir.empty(), "output_dir must be given");
  check_option(!(config.resume && config.overwrite_output_dir),
               "resume and overwrite_output_dir exclude each other");
  check_option(config.save_steps >= 0, "save_steps must not be negative");
  check_option(config.save_total_limit >= 0, "save_total_limit must not be negative");
  check_option(config.eval_steps >= 0, "eval_steps must not be negative");
  check_option(config.early_stopping_patience >= 0, "early_stopping_patience must not be negative");
  check_option(config.logging_steps >= 1, "logging_steps must be at least 1");
}

bool needs_evaluation(const RunConfig& config) {
  return config.load_best_model_at_end || config.early_stopping_patience > 0;
}

Run::Run(RunConfig config,
         std::ostream* progress,
         bool terminal,
         std::function<bool()> stop_requested)
    : config_(std::move(config)),
      out_(progress),
      terminal_(terminal),
      stop_requested_(std::move(stop_requested)) {
  validate(config_);
  const auto& folder = config_.output_dir;
  if (holds_run(folder)) {
    if (config_.overwrite_output_dir) {
      remove_run(folder);
    } else if (!config_.resume) {
      fail(folder.string(),
           ": holds a run already; give --resume to go on with it or --overwrite-output-dir to "
           "replace it");
    }
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(folder.string(), ": cannot create: ", error.message());
  remove_leftovers(folder);
}

void Run::restore(const Trained& trained) {
  const auto checkpoints =
      config_.resume ? list_checkpoints(config_.output_dir) : std::vector<fs::path>{};
  if (config_.resume && checkpoints.empty()) {
    fail(config_.output_dir.string(), ": holds no checkpoint to resume from");
  }
  if (!checkpoints.empty()) {
    try {
      const auto progression =
          load_checkpoint(checkpoints.back(), trained.optimization, trained.identity);
      trained.cursor.restore(progression.cursor);
      restored_steps_ = progression.steps;
    } catch (const Error& error) {
      if (checkpoints.size() == 1) throw;
      fail(error.what(), "; where it is damaged, remove the folder to go on from ",
           checkpoints[checkpoints.size() - 2].string());
    }
  }
  const auto metrics = config_.output_dir / kMetrics;
  metrics_.emplace(metrics, restored_steps_);
  if (checkpoints.empty()) return;
  for_each_line(metrics, [&](std::string_view line, const std::string& place) {
    const auto event = parse_json(line, place);
    if (event.contains("eval_loss"))
      note_evaluation(event.at("eval_loss").get<double>(), event.at("step").get<std::int64_t>());
  });
  // The part before may not have been asked to keep its best model: what comes is judged alone.
  if (config_.load_best_model_at_end && !fs::exists(config_.output_dir / kBest)) best_.reset();
}

void Run::begin(const std::string& label, std::int64_t total_steps) {
  if (out_ == nullptr) return;
  progress_.emplace(
      *out_,
      Progress::Options{
          .label = label, .total = total_steps, .rate_unit = "tokens", .terminal = terminal_});
  progress_->start_at(restored_steps_);
}

void Run::report(const Json& metrics, double tokens) {
  if (metrics.at("step").get<std::int64_t>() % config_.logging_steps == 0) log(metrics);
  if (progress_) progress_->advance(1, tokens, loss_note(metrics));
}

void Run::log(const Json& metrics) {
  if (metrics_) metrics_->write(metrics);
}

bool Run::evaluation_due(std::int64_t step) const {
  return config_.eval_steps > 0 && step % config_.eval_steps == 0;
}

bool Run::note_evaluation(double loss, std::int64_t step) {
  const bool is_best = !best_ || loss < best_->loss;
  if (is_best) {
    best_ = Best{.loss = loss, .step = step};
  } else {
    ++best_->evaluations_since;
  }
  return is_best;
}

void Run::report_evaluation(const Trained& trained, double eval_loss) {
  const auto step = trained.optimization.steps();
  const bool is_best = note_evaluation(eval_loss, step);
  // The model first: a line of metrics must not speak of one that was never kept.
  if (is_best && config_.load_best_model_at_end) {
    AtomicFolder target(config_.output_dir / kBest);
    trained.save_model(target.temporary());
    target.commit();
  }
  log({{"step", step}, {"eval_loss", eval_loss}});
}

bool Run::out_of_patience() const {
  return config_.early_stopping_patience > 0 && best_ &&
         best_->evaluations_since >= config_.early_stopping_patience;
}

void Run::save_if_due(const Trained& trained) {
  stopped_ = stop_requested_ && stop_requested_();
  const auto step = trained.optimization.steps();
  const bool due = config_.save_steps > 0 && step % config_.save_steps == 0;
  if (due || stopped_) save(trained);
}

void Run::save(const Trained& trained) {
  const auto step = trained.optimization.steps();
  save_checkpoint(config_.output_dir / concat("step_", step), trained.optimization,
                  {.cursor = trained.cursor.state(), .steps = step, .identity = trained.identity},
                  trained.save_model);
  remove_old_checkpoints();
}

void Run::remove_old_checkpoints() const {
  if (config_.save_total_limit == 0) return;
  auto checkpoints = list_checkpoints(config_.output_dir);
  const auto limit = static_cast<std::size_t>(config_.save_total_limit);
  for (std::size_t i = 0; i + limit < checkpoints.size(); ++i) fs::remove_all(checkpoints[i]);
}

fs::path Run::finish(const Trained& trained) {
  if (progress_) progress_->finish();
  if (out_ != nullptr && out_of_patience()) {
    *out_ << "stopped early: no evaluation since step " << best_->step << " was better than its "
          << best_->loss << '\n';
  }
  const auto folder = config_.output_dir / kFinal;
  AtomicFolder target(folder);
  if (best_ && config_.load_best_model_at_end) {
    fs::copy(config_.output_dir / kBest, target.temporary(), fs::copy_options::recursive);
  } else {
    trained.save_model(target.temporary());
  }
  target.commit();
  return folder;
}

}  // namespace hone
