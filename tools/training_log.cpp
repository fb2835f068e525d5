// Reads and writes log.jsonl.
#include "tools/training_log.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "tools/pictures/plots.h"

namespace n2s {
namespace {

/// Nothing for a damaged line.
std::optional<TrainingRecord> parse_record(const std::string& line) {
  try {
    const nlohmann::json json = parse_json(line);
    TrainingRecord record;
    json.at("step").get_to(record.step);
    json.at("loss").get_to(record.loss);
    json.at("learning_rate").get_to(record.learning_rate);
    json.at("seconds").get_to(record.seconds);
    if (json.contains("validation")) record.validation = json.at("validation").get<double>();
    return record;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

void TrainingLog::add(const TrainingRecord& record) {
  if (!records_.empty() && records_.back().step == record.step) records_.pop_back();
  records_.push_back(record);
}

void TrainingLog::load(long last_step) {
  records_.clear();
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    const std::optional<TrainingRecord> record = parse_record(line);
    if (!record || record->step > last_step) return;
    records_.push_back(*record);
  }
}

void TrainingLog::save() const {
  std::string text;
  for (const TrainingRecord& record : records_) {
    nlohmann::ordered_json json{{"step", record.step},
                                {"loss", record.loss},
                                {"learning_rate", record.learning_rate},
                                {"seconds", record.seconds}};
    if (record.validation) json["validation"] = *record.validation;
    text += json_text(json) + "\n";
  }
  write_file_atomically(path_, std::as_bytes(std::span(text)));
}

void TrainingLog::draw(const std::filesystem::path& picture) const {
  Curve loss{"training loss", {}, {}};
  Curve validation{"validation loss", {}, {}};
  for (const TrainingRecord& record : records_) {
    const auto step = static_cast<double>(record.step);
    loss.x.push_back(step);
    loss.y.push_back(record.loss);
    if (!record.validation) continue;
    validation.x.push_back(step);
    validation.y.push_back(*record.validation);
  }
  draw_diagram({"step", "mean squared error", {loss, validation}}).save(picture);
}

}  // namespace n2s
