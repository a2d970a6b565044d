// What is wider than the page scrolls by itself; this lets the keyboard reach it, and says what it is.
"use strict";
function reachable() {
  const names = [[".input", "code"], [".output_subarea pre", "output"], [".formula", "formula"], [".frame", "figure"]];
  for (const [selector, name] of names) {
    for (const box of document.querySelectorAll(selector)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      if (!scrolls) {
        for (const attribute of ["tabindex", "role", "aria-label"]) box.removeAttribute(attribute);
        continue;
      }
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${name}, wider than the page: scroll sideways`);
    }
  }
}
window.addEventListener("load", () => window.setTimeout(reachable, 0));
window.addEventListener("resize", reachable);
