"""What benchmarks/sliders.py times: from the key to the last change of the figure, new values told from those seen."""

import importlib
import sys
from pathlib import Path

from playwright.sync_api import Browser

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # they are commands beside each other, not a package
sliders = importlib.import_module("sliders")

# A value that was not seen before changes the figure at once and again 0.4 s later, another only at once.
PAGE = """<div class="widget-vbox"><div class="noUi-handle" tabindex="0"></div><div class="labkit-plot"></div></div>
<script>
  const [handle, plot] = [".noUi-handle", ".labkit-plot"].map((name) => document.querySelector(name));
  const seen = new Set();
  const move = (value) => {
    for (const [name, number] of [["valuenow", value], ["valuemin", 0], ["valuemax", 3]])
      handle.setAttribute(`aria-${name}`, number);
    plot.textContent = value;
    if (!seen.has(value)) setTimeout(() => (plot.title = value), 400);
    seen.add(value);
  };
  move(1);
  handle.addEventListener("keydown", ({ key }) => {
    const value = +handle.ariaValueNow;
    move({ Home: 0, ArrowRight: value + 1, ArrowLeft: value - 1 }[key]);
  });
</script>"""


def test_times_of_a_slider(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(PAGE)
    page.wait_for_timeout(500)
    times = sliders.times_of(page, page.query_selector(".noUi-handle"))
    page.close()
    assert [len(times[kind]) for kind in ("first", "again")] == [3, 4]
    assert all(second >= 0.39 for second in times["first"])
    assert max(times["again"]) < min(times["first"])
