// Inspects a file and prints the report, as text, JSON or a page.
#include "tools/verbs/inspect.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/common.h"
#include "tools/inspect/reports.h"
#include "tools/json_output.h"
#include "tools/report/page.h"

namespace n2s {
namespace {

struct InspectOptions {
  CommonOptions common;
  InputOptions input;
  std::string file, page;
};

void inspect_and_report(const InspectOptions& o) {
  if (!o.page.empty()) check_page_path(o.page, o.common.force);
  const InspectedFile file = inspect_file(o.file, o.input, o.common);
  if (!o.page.empty()) {
    write_html_report(o.page, file, o.common.force);
    say(o.common, "{}: written; open it in a browser", o.page);
  }
  if (o.common.json)
    print_json(json_report(file));
  else if (o.page.empty())
    fmt::print("{}", text_report(file));
}

}  // namespace

void add_inspect(Program& program) {
  auto options = std::make_shared<InspectOptions>();
  Verb verb = program.add_verb("inspect", "Measure what a noisy stack is like, and say how to restore it", true);
  verb.option("FILE", options->file, "The noisy stack").required();
  verb.option("-o,--output", options->page, "A page with pictures instead of text: its name ends in .html");
  add_input_options(verb, options->input);
  add_report_options(verb, options->common);
  verb.footer(
      "Looks at levels, noise, its correlation, the similarity of neighbouring planes, fixed patterns, shifts and "
      "faulty "
      "planes.\n"
      "Examples:\n"
      "  n2s inspect noisy.tif                   a page of text, with the command line to use\n"
      "  n2s inspect noisy.tif -o report.html    with pictures");
  verb.on_run([options] { inspect_and_report(*options); });
}

}  // namespace n2s
