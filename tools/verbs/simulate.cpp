// See simulate.h.
#include "tools/verbs/simulate.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/experiments/simulated_plate.h"
#include "tools/experiments/simulated_scans.h"
#include "tools/json_output.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct SimulateOptions {
  CommonOptions common;
  std::string kind, folder;
  ScanSettings scans;
  PlateSettings plate;
  int planes = 0, side = 0;  // 0: as the kind has them
};

void make_folder(const SimulateOptions& o) {
  std::error_code failed;
  fs::create_directories(o.folder, failed);
  if (failed) throw Error(fmt::format("{}: cannot make this folder: {}", o.folder, failed.message()));
  if (!fs::is_empty(o.folder) && !o.common.force)
    throw Error(fmt::format("{}: not empty; choose another folder, or add --force to write into it", o.folder));
}

template <class Settings>
Settings with_options(Settings settings, const SimulateOptions& o) {
  settings.seed = o.common.seed;
  if (o.planes > 0) settings.planes = o.planes;
  if (o.side > 0) settings.side = o.side;
  return settings;
}

/// An option of the other kind would have no effect.
void check_options_fit(const SimulateOptions& o) {
  const ScanSettings scans;
  const PlateSettings plate;
  const bool is_plate_given = o.plate.wells != plate.wells || o.plate.fields != plate.fields ||
                              o.plate.events != plate.events || o.plate.correlation != plate.correlation;
  if (o.kind == "mri" && is_plate_given)
    throw Error(
        "--wells, --fields, --events, --correlation: for n2s simulate microscopy, without effect on mri; leave them "
        "out");
  if (o.kind == "microscopy" && o.scans.subjects != scans.subjects)
    throw Error("--subjects: for n2s simulate mri, without effect on microscopy; leave it out");
}

void simulate(const SimulateOptions& o) {
  check_options_fit(o);
  make_folder(o);
  ThreadPool pool(o.common.threads);
  const long files =
      o.kind == "mri"
          ? static_cast<long>(simulate_scans(o.folder, with_options(o.scans, o), o.common.force, pool).size())
          : simulate_plate(o.folder, with_options(o.plate, o), o.common.force, pool);
  if (o.common.json) print_json({{"output", o.folder}, {"kind", o.kind}, {"files", files}, {"seed", o.common.seed}});
  say(o.common, "{}: {} files; next: n2s prepare {} {} -o {}.h5", o.folder, files, o.kind, o.folder, o.kind);
}

}  // namespace

void add_simulate(Program& program) {
  auto options = std::make_shared<SimulateOptions>();
  Verb verb = program.add_verb("simulate", "Make data like those of the paper's experiments, to try the whole chain");
  verb.option("KIND", options->kind,
              "mri (T1 volumes under IXI's names) or microscopy (a plate of cells: 20 and 100 ms, bright field)")
      .required()
      .one_of({"mri", "microscopy"});
  verb.option("-o,--output", options->folder, "The folder for the files").required();
  verb.option("--planes", options->planes, "Planes of each stack (default: mri 150, microscopy 10)").between(3L, 1000L);
  verb.option("--side", options->side, "Height and width, pixels (default: mri 256, microscopy 512)")
      .between(32L, 4096L);
  verb.option("--subjects", options->scans.subjects, "mri: volumes").between(5L, 60L).show_default();
  verb.option("--wells", options->plate.wells, "microscopy: wells").between(1L, 24L).show_default();
  verb.option("--fields", options->plate.fields, "microscopy: fields of each well").between(1L, 99L).show_default();
  verb.option("--events", options->plate.events,
              "microscopy: events in a bright pixel in 20 ms; the fewer, the more noise")
      .above_zero(1e5)
      .show_default();
  verb.option(
          "--correlation", options->plate.correlation,
          "microscopy: of a pixel's noise with that of the next one; not 0 for many cameras, which deceives methods "
          "that hide pixels")
      .between(0.0, 0.6)
      .show_default();
  verb.heading("Common");
  add_seed_option(verb, options->common);
  add_threads_option(verb, options->common);
  add_report_options(verb, options->common);
  verb.footer(
      "Examples:\n"
      "  n2s simulate microscopy -o plate                                 810 files, about 400 MB\n"
      "  n2s simulate mri -o scans --subjects 60                          the paper's numbers of subjects and planes");
  verb.on_run([options] { simulate(*options); });
}

}  // namespace n2s
