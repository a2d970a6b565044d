"""How long after a key does the figure of a slider change, in JupyterLab?

    python benchmarks/sliders.py                    run every lesson, write results/sliders.json, print the table
    python benchmarks/sliders.py --lessons "01 05"  only these; writes nothing
    python benchmarks/sliders.py --table            print the table of the committed results, as it stands in README.md

A lesson is opened in JupyterLab in headless Chromium, run from the menu with its own quick parameters, and its answers
are uncovered. Then each slider is moved from the keyboard over all its values and back again. A move's time runs in the
page, from the key to the frame after the last change within the figure. Where a value was not seen before, its figure
is computed; on the way back the kernel has it already.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import ElementHandle, Page
from timing import markdown, say, time_cell

from labkit import records

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "browser"))
import chromium  # noqa: E402 - the folder must be named first
import lab  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "sliders.json"
GOALS = {"again": 0.2, "first": 1.0}  # seconds
SETTLED = 500  # ms without a change: the figure is there
PATIENCE = 60_000  # ms
WATCH = """(plot) => {
  const move = (globalThis.labkitMove ??= {});
  const changed = () => requestAnimationFrame(() => (move.changed = performance.now()));
  new MutationObserver(changed).observe(plot, { subtree: true, childList: true, attributes: true });
  if (move.heard) return;
  move.heard = true;
  const pressed = () => Object.assign(move, { pressed: performance.now(), changed: null });
  window.addEventListener("keydown", pressed, true);
}"""
THERE = f"() => labkitMove.changed && performance.now() - labkitMove.changed > {SETTLED}"
TAKEN = "() => labkitMove.changed - labkitMove.pressed"
Times = dict[str, list[float]]


def times_of(page: Page, handle: ElementHandle) -> Times:
    """Seconds of each move of one slider: to a value that was not seen before (`first`), to another (`again`)."""
    box = handle.evaluate_handle("one => one.closest('.widget-vbox')").as_element()
    box.query_selector(".labkit-plot").evaluate(WATCH)
    handle.scroll_into_view_if_needed()
    handle.focus()
    seen, times = {handle.get_attribute("aria-valuenow")}, {"first": [], "again": []}
    for key, end in (("Home", "aria-valuemin"), ("ArrowRight", "aria-valuemax"), ("ArrowLeft", "aria-valuemin")):
        while (stands := handle.get_attribute("aria-valuenow")) != handle.get_attribute(end):
            page.keyboard.press(key)
            page.wait_for_function(THERE, timeout=PATIENCE)
            value = handle.get_attribute("aria-valuenow")
            assert value != stands, "a key that moves nothing"
            times["again" if value in seen else "first"].append(page.evaluate(TAKEN) / 1000)
            seen.add(value)
    return times


def measure(stem: str, folder: Path, browser: Any, started: lab.Lab) -> list[Times]:
    """The times of every slider of a lesson. Stops where the lesson, or a figure of it, has a fault."""
    page, watch = lab.opened(browser, started, lab.copied(ROOT / "notebooks" / f"{stem}.ipynb", folder, {}))
    faults = lab.run_all(page) + lab.empty_figures(page) + lab.make_choices(page)[1]
    handles = page.query_selector_all(".jp-NotebookPanel .widget-slider .noUi-handle")
    times = [times_of(page, handle) for handle in handles] if not faults else []
    page.context.close()
    if faults + watch.faults:
        sys.exit(f"{stem} is not measured: {'; '.join(faults + watch.faults)}")
    return times


def cells(times: list[Times], kind: str) -> list[str]:
    """How many moves, their median, the slowest, and how many took longer than the goal."""
    moves = [second for slider in times for second in slider[kind]]
    if not moves:
        return ["0", "-", "-", "-"]
    over = sum(second > GOALS[kind] for second in moves)
    return [str(len(moves)), time_cell(median(moves)), time_cell(max(moves)), str(over)]


def table(result: dict[str, Any]) -> str:
    """A result as a Markdown table."""
    head = ["lesson", "sliders", "computed first: moves", "median", "slowest", f"over {time_cell(GOALS['first'])}"]
    head += ["there already: moves", "median", "slowest", f"over {time_cell(GOALS['again'])}"]
    every = {**result["lessons"], "all": [slider for times in result["lessons"].values() for slider in times]}
    rows = [[name, len(times), *cells(times, "first"), *cells(times, "again")] for name, times in every.items()]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return f"{markdown(head, rows)}\n\n{result['machine']}; {versions}; {result['time']}."


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description="milliseconds of sliders in JupyterLab")
    parser.add_argument("--table", action="store_true", help="print the committed results, measure nothing")
    parser.add_argument("--lessons", default="", help='numbers, as in "01 05"; all if empty; writes nothing')
    chosen = parser.parse_args()
    if chosen.table:
        print(table(records.read_json(RESULT)))
        return
    stems = sorted(path.stem for path in (ROOT / "notebooks" / "source").glob("*.py"))
    numbers = chosen.lessons.split() or [stem[:2] for stem in stems]
    with tempfile.TemporaryDirectory() as scratch, chromium.running() as browser:
        folder = Path(scratch, "notebooks")
        folder.mkdir()
        with lab.running(folder, Path(scratch)) as started:
            lessons = {}
            for stem in (stem for stem in stems if stem[:2] in numbers):
                lessons[stem] = measure(stem, folder, browser, started)
                say(f"{stem}: {len(lessons[stem])} sliders")
            versions = records.versions("jupyterlab", "ipywidgets", "anywidget", "plotly")
            versions["chromium"] = browser.version
    result = {
        "command": "python benchmarks/sliders.py",
        "time": records.now(),
        "machine": records.machine(),
        "versions": versions,
        "commit": records.commit(),
        "lessons": lessons,
    }
    if not chosen.lessons:
        records.write_json(RESULT, result)
    print(table(result))


if __name__ == "__main__":
    main()
