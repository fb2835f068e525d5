// Reads and writes log.jsonl.
#include "tools/training_log.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "data/atomic_file.h"
#include "tools/pictures/plots.h"

namespace n2s {

void TrainingLog::load(long last_step) {
  records_.clear();
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json.contains("loss")) return;
    TrainingRecord record{json["step"].get<long>(),
                          json.value("loss", 0.0),
                          json.value("learning_rate", 0.0),
                          {},
                          json.value("seconds", 0.0)};
    if (json.contains("validation")) record.validation = json["validation"].get<double>();
    if (record.step > last_step) return;
    records_.push_back(record);
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
    text += json.dump() + "\n";
  }
  write_file_atomically(path_, std::as_bytes(std::span(text)));
}

void TrainingLog::draw(const std::filesystem::path& picture) const {
  Curve loss{"training loss", {}, {}};
  Curve validation{"validation loss", {}, {}};
  for (const TrainingRecord& record : records_) {
    Curve& curve = record.validation ? validation : loss;
    curve.x.push_back(static_cast<double>(record.step));
    curve.y.push_back(record.validation.value_or(record.loss));
  }
  write_curves(picture, "step", "mean squared error", {loss, validation});
}

}  // namespace n2s
