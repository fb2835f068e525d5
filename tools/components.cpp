// The table is made by cmake/components.cmake, from what is linked and the versions of Debian's packages.
#include "tools/components.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace n2s {
namespace {

struct Component {
  std::string_view name, version, licence, where, site;
};

constexpr Component kComponents[] = {
#include "components.inc"
};

}  // namespace

std::string components_text() {
  std::string text = fmt::format("n2s {}, Apache-2.0, with:\n", N2S_VERSION);
  for (const Component& c : kComponents)
    text += fmt::format("  {:<14} {:<8} {:<42} {:<7} {}\n", c.name, c.version, c.licence, c.where, c.site);
  return text +
         "inside: part of the program; shared: a library that it loads. The licences' texts are in\n"
         "share/doc/noise2stack/licences of the installed tree.\n";
}

nlohmann::json components_json() {
  nlohmann::json components = nlohmann::json::array();
  for (const Component& c : kComponents) {
    nlohmann::json component{{"type", "library"},
                             {"name", c.name},
                             {"externalReferences", {{{"type", "website"}, {"url", c.site}}}},
                             {"properties", {{{"name", "n2s:linked"}, {"value", c.where}}}}};
    if (!c.version.empty()) component["version"] = c.version;
    nlohmann::json licence{{"license", {{c.licence.starts_with("LicenseRef-") ? "name" : "id", c.licence}}}};
    if (c.licence.find(' ') != std::string_view::npos) licence = {{"expression", c.licence}};
    component["licenses"] = nlohmann::json::array({licence});
    components.push_back(component);
  }
  return {{"bomFormat", "CycloneDX"},
          {"specVersion", "1.5"},
          {"version", 1},
          {"metadata",
           {{"component",
             {{"type", "application"},
              {"name", "n2s"},
              {"version", N2S_VERSION},
              {"licenses", {{{"license", {{"id", "Apache-2.0"}}}}}}}}}},
          {"components", components}};
}

}  // namespace n2s
