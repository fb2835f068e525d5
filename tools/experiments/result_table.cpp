// See result_table.h.
#include "tools/experiments/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace n2s {
namespace {

/// Sums over planes.
class Mean {
 public:
  void add(const std::vector<PlaneMetrics>& planes) {
    for (const PlaneMetrics& plane : planes) {
      sum_.psnr += plane.psnr;
      sum_.ssim += plane.ssim;
      sum_.nrmse += plane.nrmse;
      ++count_;
    }
  }
  std::size_t count() const { return count_; }
  Figures mean() const {
    const auto n = static_cast<double>(count_);
    return {sum_.psnr / n, sum_.ssim / n, sum_.nrmse / n};
  }

 private:
  Figures sum_;
  std::size_t count_ = 0;
};

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double mean = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

TableRow row_of(const System& system, const std::vector<SystemResult>& results) {
  TableRow row;
  row.system = &system;
  Mean all;
  Mean all_post;
  std::vector<double> of_seeds;
  for (const SystemResult& result : results) {
    if (result.system != system.name || !result.error.empty()) continue;
    Mean of_seed;
    for (const SystemResult::OfStack& stack : result.stacks) {
      of_seed.add(stack.planes);
      all.add(stack.planes);
      all_post.add(stack.post);
    }
    if (of_seed.count() == 0) continue;
    ++row.seeds;
    row.planes = of_seed.count();
    of_seeds.push_back(of_seed.mean().psnr);
    row.train_seconds += result.train_seconds;
    row.restore_seconds += result.restore_seconds;
  }
  if (row.seeds == 0) return row;
  row.train_seconds /= row.seeds;
  row.restore_seconds /= row.seeds;
  row.mean = all.mean();
  if (all_post.count() > 0) row.post = all_post.mean();
  row.psnr_of_seeds = deviation(of_seeds);
  return row;
}

std::string figures_text(const std::optional<Figures>& f) {
  return f ? fmt::format("{:6.2f} {:6.3f} {:6.3f}", f->psnr, f->ssim, f->nrmse) : std::string(20, ' ');
}

std::string psnr_text(const std::optional<Figures>& f) {
  return f ? fmt::format("{:5.1f}", f->psnr) : std::string(5, ' ');
}

std::string figures_csv(const std::optional<Figures>& f) {
  return f ? fmt::format("{:.4f},{:.5f},{:.5f}", f->psnr, f->ssim, f->nrmse) : ",,";
}

nlohmann::json figures_json(const Figures& f) {
  return {{"psnr", f.psnr}, {"ssim", f.ssim}, {"nrmse", f.nrmse}};
}

}  // namespace

std::vector<TableRow> table_of(const std::string& experiment, const std::vector<SystemResult>& results) {
  std::vector<TableRow> rows;
  for (const System& system : systems(experiment))
    if (const TableRow row = row_of(system, results); row.seeds > 0) rows.push_back(row);
  return rows;
}

std::vector<ObjectsRow> objects_of(const std::string& experiment, const std::vector<SystemResult>& results) {
  std::vector<ObjectsRow> rows;
  for (const System& system : systems(experiment)) {
    ObjectsRow row{&system, 0, 0};
    double planes = 0;
    for (const SystemResult& result : results)
      for (const SystemResult::OfStack& stack : result.stacks)
        for (const SystemResult::Objects& plane : stack.objects) {
          if (result.system != system.name) continue;
          row.dice += plane.dice;
          row.objects += plane.count;
          ++planes;
        }
    if (planes == 0) continue;
    row.dice /= planes;
    row.objects /= planes;
    rows.push_back(row);
  }
  return rows;
}

std::string objects_text(const std::vector<ObjectsRow>& rows) {
  if (rows.empty()) return {};
  std::string text = fmt::format("\n{:<38}{:>6}{:>20}\n", "segmented by a network", "Dice", "objects in a plane");
  for (const ObjectsRow& row : rows)
    text += fmt::format("{:<38}{:6.3f}{:20.1f}\n", row.system->title, row.dice, row.objects);
  return text + "\n";
}

nlohmann::json objects_json(const std::vector<ObjectsRow>& rows) {
  nlohmann::json json = nlohmann::json::array();
  for (const ObjectsRow& row : rows)
    json.push_back({{"system", row.system->name}, {"dice", row.dice}, {"objects_in_a_plane", row.objects}});
  return json;
}

std::string table_text(const std::vector<TableRow>& rows) {
  bool has_post = false;
  for (const TableRow& row : rows) has_post = has_post || row.post;
  std::string text = fmt::format("{:<38}{:>20}", "", "PSNR   SSIM  NRMSE");
  if (has_post) text += fmt::format("   {:>20}", "data consistency");
  text += "   seeds   the paper's PSNR (other data)\n";
  for (const TableRow& row : rows) {
    text += fmt::format("{:<38}{}", row.system->title, figures_text(row.mean));
    if (has_post) text += "   " + figures_text(row.post);
    text +=
        fmt::format("   {:>2}{:>7}   {}{}\n", row.seeds, row.seeds > 1 ? fmt::format("±{:.2f}", row.psnr_of_seeds) : "",
                    psnr_text(row.system->paper), has_post ? " / " + psnr_text(row.system->paper_post) : "");
  }
  return text;
}

std::string table_csv(const std::vector<TableRow>& rows) {
  std::string text =
      "system,title,planes_seen,seeds,test_planes,psnr,ssim,nrmse,post_psnr,post_ssim,post_nrmse,psnr_sd_of_seeds,"
      "train_seconds,restore_seconds,paper_psnr,paper_ssim,paper_nrmse,paper_post_psnr,paper_post_ssim,"
      "paper_post_nrmse\n";
  for (const TableRow& row : rows)
    text += fmt::format("{},\"{}\",{},{},{},{},{},{:.4f},{:.1f},{:.1f},{},{}\n", row.system->name, row.system->title,
                        row.system->planes, row.seeds, row.planes, figures_csv(row.mean), figures_csv(row.post),
                        row.psnr_of_seeds, row.train_seconds, row.restore_seconds, figures_csv(row.system->paper),
                        figures_csv(row.system->paper_post));
  return text;
}

std::string planes_csv(const std::vector<SystemResult>& results) {
  std::string text = "system,seed,stack,plane,psnr,ssim,nrmse,post_psnr,post_ssim,post_nrmse,dice,objects\n";
  for (const SystemResult& result : results)
    for (const SystemResult::OfStack& stack : result.stacks)
      for (std::size_t p = 0; p < std::max(stack.planes.size(), stack.objects.size()); ++p) {
        const auto figures = [&](const std::vector<PlaneMetrics>& planes) -> std::optional<Figures> {
          if (p >= planes.size()) return std::nullopt;
          return Figures{planes[p].psnr, planes[p].ssim, planes[p].nrmse};
        };
        const std::string objects =
            p < stack.objects.size() ? fmt::format("{:.5f},{}", stack.objects[p].dice, stack.objects[p].count) : ",";
        text += fmt::format("{},{},{},{},{},{},{}\n", result.system, result.seed, stack.name, p,
                            figures_csv(figures(stack.planes)), figures_csv(figures(stack.post)), objects);
      }
  return text;
}

nlohmann::json table_json(const std::vector<TableRow>& rows) {
  nlohmann::json json = nlohmann::json::array();
  for (const TableRow& row : rows) {
    json.push_back({{"system", row.system->name},
                    {"title", row.system->title},
                    {"seeds", row.seeds},
                    {"test_planes", row.planes},
                    {"mean", figures_json(row.mean)},
                    {"psnr_sd_of_seeds", row.psnr_of_seeds},
                    {"train_seconds", row.train_seconds},
                    {"restore_seconds", row.restore_seconds}});
    if (row.post) json.back()["post"] = figures_json(*row.post);
    if (row.system->paper) json.back()["paper"] = figures_json(*row.system->paper);
    if (row.system->paper_post) json.back()["paper_post"] = figures_json(*row.system->paper_post);
  }
  return json;
}

}  // namespace n2s
