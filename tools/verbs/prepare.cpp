// See prepare.h.
#include "tools/verbs/prepare.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/experiments/data_set.h"
#include "tools/experiments/prepare_plate.h"
#include "tools/experiments/prepare_volumes.h"
#include "tools/json_output.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct PrepareOptions {
  CommonOptions common;
  InputOptions input;
  std::string kind, folder, out;
  PartRules parts;
  bool leave_out = false;
  MriSettings mri;
  StackSetSettings stacks;
  PlateDataSettings plate;
  bool keep_background = false;
};

DataSetPlan plan_of(const PrepareOptions& o, ThreadPool& pool) {
  if (o.kind == "microscopy") {
    PlateDataSettings settings = o.plate;
    settings.parts = o.parts;
    settings.subtract_background = !o.keep_background;
    settings.scratch = fs::absolute(o.out).parent_path();
    return plan_plate(o.folder, settings, o.common, pool);
  }
  if (o.kind == "mri") {
    MriSettings settings = o.mri;
    settings.parts = o.parts;
    settings.input = o.input;
    return plan_mri(o.folder, settings);
  }
  StackSetSettings settings = o.stacks;
  settings.parts = o.parts;
  settings.input = o.input;
  return plan_stacks(o.folder, settings);
}

/// An option of another kind would have no effect.
void check_options_fit(const PrepareOptions& o) {
  struct Given {
    const char* option;
    bool is_given;
    const char* kinds;
  };
  const MriSettings mri;
  const PlateDataSettings plate;
  const InputOptions input;
  const bool is_input_given = o.input.read.dataset != input.read.dataset || o.input.read.axes != input.read.axes ||
                              o.input.read.series || !o.input.stack.axis.empty() || o.input.stack.channel ||
                              o.input.stack.time || o.input.stack.slice;
  const std::array given{
      Given{"--middle", o.mri.middle != mri.middle, "mri"},
      Given{"--side", o.mri.side != mri.side, "mri"},
      Given{"--pattern", o.plate.pattern != plate.pattern, "microscopy"},
      Given{"--low", o.plate.low != plate.low, "microscopy"},
      Given{"--high", o.plate.high != plate.high, "microscopy"},
      Given{"--brightfield", o.plate.brightfield != plate.brightfield, "microscopy"},
      Given{"--keep-background", o.keep_background, "microscopy"},
      Given{"--memory", o.plate.memory_gib > 0, "microscopy"},
      Given{"--second", !o.stacks.second.empty(), "stacks"},
      Given{"--truth", !o.stacks.truth.empty(), "stacks"},
      Given{"--dataset, --series, --axes, --axis, --channel, --time, --slice", is_input_given, "mri, stacks"}};
  for (const Given& one : given)
    if (one.is_given && std::string_view(one.kinds).find(o.kind) == std::string_view::npos)
      throw Error(
          fmt::format("{}: for n2s prepare {}, without effect on {}; leave it out", one.option, one.kinds, o.kind));
}

nlohmann::json record(const PrepareOptions& o, const DataSetPlan& plan) {
  nlohmann::json json{{"output", o.out},
                      {"kind", plan.kind},
                      {"missing", plan.findings.missing},
                      {"left_out", plan.findings.unusable},
                      {"ignored", plan.findings.ignored}};
  for (const Part part : kParts) json[part_name(part)] = nlohmann::json::array();
  for (const PlannedStack& stack : plan.stacks) json[part_name(stack.part)].push_back(stack.name);
  return json;
}

void prepare(const PrepareOptions& o) {
  const std::string extension = fs::path(o.out).extension().string();
  if (extension != ".h5" && extension != ".hdf5")
    throw Error(fmt::format("{}: a data set is an HDF5 file; its name ends in .h5", o.out));
  check_options_fit(o);
  check_output_path(o.out, o.common.force);
  ThreadPool pool(o.common.threads);
  DataSetPlan plan = plan_of(o, pool);
  report(plan, o.leave_out, o.common);
  write_data_set(o.out, plan, o.leave_out, o.common);
  const nlohmann::json json = record(o, plan);
  if (o.common.json) print_json(json);
  say(o.common, "{}: {} stacks to train on, {} to validate, {} to test", o.out, json["train"].size(),
      json["validation"].size(), json["test"].size());
}

}  // namespace

void add_prepare(Program& program) {
  auto options = std::make_shared<PrepareOptions>();
  PrepareOptions& o = *options;
  Verb verb = program.add_verb("prepare", "Turn raw files into one data set for an experiment, split into parts");
  verb.option("KIND", o.kind,
              "mri (T1 volumes, such as IXI's), microscopy (a multi-well plate) or stacks (any files, as they are)")
      .required()
      .one_of({"mri", "microscopy", "stacks"});
  verb.option("DIR", o.folder, "The folder with the files, and its subfolders").required();
  verb.option("-o,--output", o.out, "The data set (.h5): stacks as train/NAME/COPY, validation/..., test/...")
      .required();
  verb.flag("--leave-out", o.leave_out, "Go on without the stacks that cannot be used");
  verb.heading(
      "Parts: lists of names (a*,b), or fractions of all (0.8); default: as in the paper where the files are "
      "like its own, else 0.8, 0.1, 0.1");
  verb.option("--train", o.parts.train, "To train on");
  verb.option("--validation", o.parts.validation, "To choose models by");
  verb.option("--test", o.parts.test, "To measure with");
  verb.heading("mri");
  verb.option("--middle", o.mri.middle, "Planes from the middle of each volume; 0: all")
      .between(0L, 100000L)
      .show_default();
  verb.option("--side", o.mri.side, "Planes are centred in squares of so many pixels")
      .between(16L, 65536L)
      .show_default();
  verb.heading("microscopy");
  verb.option("--pattern", o.plate.pattern,
              "What the files' names tell: {well}, {row}, {column}, {field}, {plane}, {channel}, {exposure}; * is "
              "anything. Files without {plane} or {channel} hold several")
      .show_default();
  verb.option("--low", o.plate.low, "Channel (or exposure, or CHANNEL:EXPOSURE) of the noisy images").show_default();
  verb.option("--high", o.plate.high, "The same of the images with little noise; none: there are none").show_default();
  verb.option("--brightfield", o.plate.brightfield, "The same of a second modality").show_default();
  verb.flag("--keep-background", o.keep_background, "Do not subtract the median of each pixel over all images");
  verb.option("--memory", o.plate.memory_gib,
              "Memory for the images, GiB (default: half of what is free); the rest goes to the disk")
      .above_zero(1 << 20);
  verb.heading("stacks");
  verb.option("--second", o.stacks.second, "A folder with second noisy copies, under the same names");
  verb.option("--truth", o.stacks.truth, "A folder with clean stacks, under the same names");
  add_input_options(verb, o.input);
  verb.heading("Common");
  add_threads_option(verb, o.common);
  add_report_options(verb, o.common);
  verb.footer(
      "What is missing, twice there, of another size or damaged is listed, and noted in the data set.\n"
      "Examples:\n"
      "  n2s prepare mri IXI-T1 -o mri.h5\n"
      "  n2s prepare microscopy plate/Images -o plate.h5 --low 1 --high 2\n"
      "  n2s prepare mri brains -o brains.h5 --train '0*' --validation 09 --test '1*' --side 192");
  verb.on_run([options] { prepare(*options); });
}

}  // namespace n2s
