// See page.h.
#include "tools/report/page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/report/html.h"

namespace n2s {
namespace {

constexpr const char* kStyle = R"(
  :root { color-scheme: light dark; --text: #1f2328; --soft: #57606a; --line: #d8dee4; --page: #ffffff; --box: #f6f8fa; }
  :root[data-theme=dark] { --text: #e6edf3; --soft: #9aa5b1; --line: #30363d; --page: #0d1117; --box: #161b22; color-scheme: dark; }
  :root[data-theme=light] { color-scheme: light; }
  @media (prefers-color-scheme: dark) {
    :root:not([data-theme=light]) { --text: #e6edf3; --soft: #9aa5b1; --line: #30363d; --page: #0d1117; --box: #161b22; }
  }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
  p, li { max-width: 75ch; } .soft, figcaption { color: var(--soft); font-size: .9rem; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { padding: .3rem .6rem; border-top: 1px solid var(--line); text-align: right; } td { white-space: nowrap; } th:first-child, td:first-child { text-align: left; }
  thead th { border-top: 0; vertical-align: bottom; } .scroll { overflow-x: auto; }
  figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; max-width: 760px; }
  .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: .8rem; }
  .pictures figure { margin: 0; } .pictures img { width: 100%; display: block; image-rendering: pixelated; }
  .viewer { background: var(--box); border: 1px solid var(--line); padding: 1rem; }
  .stage { position: relative; width: min(100%, 640px); } .stage img { width: 100%; display: block; image-rendering: pixelated; }
  .stage img.over { position: absolute; inset: 0; height: 100%; }
  .stage .edge { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #ff9f1c; }
  .controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: .6rem 1.2rem; margin-top: .8rem; }
  .controls label { display: grid; grid-template-columns: 5em 1fr; align-items: center; gap: .5rem; }
  .controls output { grid-column: 2; } input, select { width: 100%; font: inherit; accent-color: #0072B2; }
  :focus-visible { outline: 3px solid #ff9f1c; outline-offset: 2px; } #theme { float: right; font: inherit; }
  @media print { #theme, .controls { display: none; } body { max-width: none; margin: 0; } figure, table { break-inside: avoid; } h2 { break-after: avoid; } }
)";

constexpr const char* kScript = R"(
  for (const viewer of document.querySelectorAll('.viewer')) {
    const data = JSON.parse(viewer.querySelector('script').textContent);
    const [under, over] = viewer.querySelectorAll('img');
    const edge = viewer.querySelector('.edge');
    const control = name => viewer.querySelector('[name=' + name + ']');
    const show = () => {
      const plane = +control('plane').value, left = +control('left').value, right = +control('right').value;
      over.src = data.uris[left][plane];
      under.src = data.uris[right][plane];
      over.alt = 'left: ' + data.choices[left] + ', ' + data.planes[plane];
      under.alt = 'right: ' + data.choices[right] + ', ' + data.planes[plane];
      const cut = control('divider').value;
      over.style.clipPath = 'inset(0 ' + (100 - cut) + '% 0 0)';
      edge.style.left = cut + '%';
      viewer.querySelector('output').textContent = data.planes[plane];
      control('plane').setAttribute('aria-valuetext', data.planes[plane]);
    };
    viewer.addEventListener('input', show);
    const stage = viewer.querySelector('.stage');
    const drag = event => {
      const box = stage.getBoundingClientRect();
      control('divider').value = Math.max(0, Math.min(100, 100 * (event.clientX - box.left) / box.width));
      show();
    };
    stage.addEventListener('pointerdown', event => { stage.setPointerCapture(event.pointerId); drag(event); });
    stage.addEventListener('pointermove', event => { if (event.buttons) drag(event); });
    show();
  }
  document.getElementById('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  });
)";

std::string choice_list(const std::vector<std::string>& choices, std::size_t chosen) {
  std::string html;
  for (std::size_t i = 0; i < choices.size(); ++i)
    html += fmt::format("<option value=\"{}\"{}>{}</option>", i, i == chosen ? " selected" : "", escaped(choices[i]));
  return html;
}

}  // namespace

void check_page_path(const std::string& file, bool overwrite) {
  if (!file.ends_with(".html") && !file.ends_with(".htm"))
    throw Error(fmt::format("{}: the report is a page; its name ends in .html", file));
  check_output_path(file, overwrite);
}

std::string page_html(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<button id=\"theme\" type=\"button\">light / dark</button>\n<h1>{0}</h1>\n{2}\n<script>{3}</script>\n</body>\n"
      "</html>\n",
      escaped(title), kStyle, body, kScript);
}

std::string chart_figure(const Chart& chart, const std::string& caption) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", chart_svg(chart), escaped(caption));
}

std::string viewer_html(const Viewer& viewer, int number) {
  // In a script element only "</" would end the text; base64 and names without it are safe.
  std::string data =
      json_text(nlohmann::json{{"planes", viewer.planes}, {"choices", viewer.choices}, {"uris", viewer.uris}});
  for (std::size_t at = data.find("</"); at != std::string::npos; at = data.find("</", at + 3))
    data.insert(at + 1, "\\");
  return fmt::format(
      "<div class=\"viewer\" role=\"group\" aria-label=\"{0}\" id=\"viewer{1}\">\n"
      "<script type=\"application/json\">{2}</script>\n"
      "<div class=\"stage\"><img src=\"{3}\" alt=\"\"><img class=\"over\" src=\"{4}\" alt=\"\"><div "
      "class=\"edge\"></div></div>\n"
      "<div class=\"controls\">\n"
      "<label>left <select name=\"left\">{5}</select></label>\n"
      "<label>right <select name=\"right\">{6}</select></label>\n"
      "<label>divider <input type=\"range\" name=\"divider\" min=\"0\" max=\"100\" value=\"50\"></label>\n"
      "<label>plane <input type=\"range\" name=\"plane\" min=\"0\" max=\"{7}\" "
      "value=\"{8}\"><output></output></label>\n"
      "</div>\n</div>\n",
      escaped(viewer.name), number, data, viewer.uris[viewer.right][viewer.planes.size() / 2],
      viewer.uris[viewer.left][viewer.planes.size() / 2], choice_list(viewer.choices, viewer.left),
      choice_list(viewer.choices, viewer.right), viewer.planes.size() - 1, viewer.planes.size() / 2);
}

std::string picture_row(const std::vector<CaptionedPicture>& pictures) {
  std::string html = "<div class=\"pictures\">\n";
  for (const CaptionedPicture& picture : pictures)
    html += fmt::format("<figure><img src=\"{}\" alt=\"{}\"><figcaption>{}</figcaption></figure>\n", picture.uri,
                        escaped(picture.caption), escaped(picture.caption));
  return html + "</div>\n";
}

std::string table_html(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& cell : heading) html += fmt::format("<th scope=\"col\">{}</th>", cell);
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", row[i]) : fmt::format("<td>{}</td>", row[i]);
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

}  // namespace n2s
