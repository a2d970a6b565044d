"""JupyterLab on a free port, a lesson opened in it, run from its menu, its sliders moved from the keyboard."""

import ast
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from playwright.sync_api import Browser, ElementHandle, Page
from playwright.sync_api import TimeoutError as TooLong
from watching import Watch

SLOW = 240_000  # ms for one step of JupyterLab's
RUN = 600_000  # ms for all cells of a lesson
# Beginnings of messages that other programs leave in the console of their own accord. anywidget gives up waiting for a
# widget after three seconds, which a busy machine takes; it is there nevertheless, and figures, answers and sliders are
# each looked at here.
KNOWN = ("[anywidget] Failed to initialize model",)
SETTINGS = {
    # every cell is in the page, not only those in sight
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
}
# JupyterLab shows an error as text of the kind that warnings and progress have, too.
ERRORS = """() => [...document.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr']")]
  .map((one) => one.textContent).filter((text) => /^Traceback \\(most recent|^\\w*(Error|Interrupt)\\b/m.test(text))"""
# Folded cells have no number to be seen; cells run in order, so that a last one that is not folded stands for them.
STATE = f"""() => {{
  const cells = [...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell')];
  const prompts = cells.map((one) => one.querySelector('.jp-InputArea-prompt')?.textContent.trim() ?? '[0]:');
  const raised = ({ERRORS})().length > 0;
  return cells.length > 0 && (raised || prompts.every((one) => /^\\[\\d+\\]:$/.test(one)));
}}"""
# What a slider must change: its figure. Words beside it that change alone would be a lie.
LOOK = "(box) => [...box.querySelectorAll('.main-svg')].map((one) => one.innerHTML).join('')"
COVERED = """() => [...document.querySelectorAll('[role=status]')]
  .filter((one) => one.textContent.startsWith('Covered.')).length"""
DRAWN = "() => [...document.querySelectorAll('.js-plotly-plot')].filter((one) => one._fullData?.length).length"
EMPTY = """() => [...document.querySelectorAll('.labkit-plot, .js-plotly-plot')]
    .filter((one) => one.clientWidth && !one._fullData?.length).length"""


# choices that are made here are not those of the person whose folder this is
KEPT_HERE = """
from pathlib import Path

from labkit.lesson import choices

choices.FILE = Path("my_predictions.json").resolve()
"""
# From the first value some steps up, from the last some down; every value is moved to in tests/test_sliders.py.
UP, DOWN = ("ArrowRight", "aria-valuemax"), ("ArrowLeft", "aria-valuemin")
KEYS = (("Home", "aria-valuemin"), *[UP] * 4, ("End", "aria-valuemax"), *[DOWN] * 4)


class Lab(NamedTuple):
    """A server's address and the token that opens it."""

    address: str
    token: str


@contextmanager
def running(notebooks: Path, scratch: Path) -> Iterator[Lab]:
    """JupyterLab over a folder of notebooks; settings and log lie in `scratch`, not in the reader's home."""
    lab = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16))
    for name, values in SETTINGS.items():
        path = scratch / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    places = {"SETTINGS_DIR": "settings", "WORKSPACES_DIR": "workspaces"}
    surroundings = os.environ | {f"JUPYTERLAB_{name}": str(scratch / place) for name, place in places.items()}
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    surroundings |= {name: str(scratch / place) for name, place in own.items()} | {"OMP_NUM_THREADS": "1"}
    words = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={lab.address.rpartition(':')[2]}"]
    words += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}", f"--notebook-dir={notebooks}"]
    words += ["--LabApp.extension_manager=readonly"]
    with (scratch / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *words]
        server = subprocess.Popen(command, env=surroundings, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(lab, server, scratch / "log")
            yield lab
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait_for(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{lab.address}/api/status?token={lab.token}", timeout=10):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if server.poll() is not None:
                break
            time.sleep(1)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def copied(notebook: Path, folder: Path, parameters: Mapping[str, Any]) -> str:
    """A copy of a notebook in `folder`, with these values for its parameters and a cell at the end that is not folded;
    choices are kept beside it. Its file name."""
    copy = nbformat.read(notebook, as_version=4)
    (cell,) = [cell for cell in copy.cells if "parameters" in cell.metadata.get("tags", [])]
    assert parameters.keys() <= {node.targets[0].id for node in ast.parse(cell.source).body}
    cell.source += KEPT_HERE + "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    copy.cells.append(nbformat.v4.new_code_cell("assert True"))
    nbformat.write(copy, folder / notebook.name)
    return notebook.name


def opened(browser: Browser, lab: Lab, name: str) -> tuple[Page, Watch]:
    """A notebook in a tab of its own, ready to be run."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(SLOW)
    page = context.new_page()
    watch = Watch(page, KNOWN)
    page.goto(f"{lab.address}/lab/tree/{name}?token={lab.token}&reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook")
    # The circle in the toolbar says idle before there is a kernel, and running cells would then ask for one.
    status = page.locator(".jp-StatusBar-Left", has_text="| Idle")
    try:
        status.wait_for(timeout=SLOW // 2)
    except TooLong:  # seen once, on a busy machine: the kernel was there, the page had lost it
        page.reload()
        status.wait_for()
    return page, watch


def run_all(page: Page) -> list[str]:
    """Run > Run All Cells, and wait; the errors that came out."""
    page.locator("#jp-MainMenu .lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all'] .lm-Menu-itemLabel").click()
    try:
        page.wait_for_function(STATE, timeout=RUN, polling=500)
    except TooLong:
        return ["not all cells were run in time"]
    return [f"a cell raised: {text[-300:]}" for text in page.evaluate(ERRORS)]


def empty_figures(page: Page, patience: int = 60_000) -> list[str]:
    """A fault if figures without a single trace, or still on their way, are left after `patience` ms."""
    try:
        page.wait_for_function(f"() => ({EMPTY})() === 0", timeout=patience)
    except TooLong:
        return [f"{page.evaluate(EMPTY)} figures are empty"]
    return []


def make_choices(page: Page, patience: int = 60_000) -> tuple[int, list[str]]:
    """The first answer of every question pressed; how many questions there are, and which uncovered nothing within
    `patience` ms."""
    answers = page.query_selector_all(".jp-NotebookPanel .jupyter-button[title^='a: ']")
    faults = []
    for place, answer in enumerate(answers, start=1):
        covered = page.evaluate(COVERED)
        answer.click()
        try:
            page.wait_for_function(f"(covered) => ({COVERED})() < covered", arg=covered, timeout=patience)
        except TooLong:
            faults.append(f"question {place}: nothing is uncovered")
    left = page.evaluate(COVERED)
    return len(answers), faults + ([f"{left} answers stay covered"] if left else [])


def load_again(page: Page, patience: int = 60_000) -> list[str]:
    """The notebook saved and its page loaded again, the kernel going on: a fault unless all figures are drawn and all
    answers uncovered within `patience` ms, and unless the first choice can be made once more. For short notebooks:
    JupyterLab draws nothing that is far from where the page stands."""
    drawn = page.evaluate(DRAWN)
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')", polling=500)
    page.reload()
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook")
    try:
        page.wait_for_function(f"(drawn) => ({DRAWN})() === drawn && !({COVERED})()", arg=drawn, timeout=patience)
    except TooLong:
        now, covered = page.evaluate(DRAWN), page.evaluate(COVERED)
        return [f"loaded again, {now} of {drawn} figures are drawn and {covered} answers are covered"]
    again, first = (page.locator(f".jp-NotebookPanel {one}") for one in (":text('choose again')", "[title^='a: ']"))
    for button, goal in ((again, 1), (first, 0)) if again.count() else ():
        button.first.click()
        try:
            page.wait_for_function(f"(goal) => ({COVERED})() === goal", arg=goal, timeout=patience)
        except TooLong:
            return [f"loaded again and chosen again, {page.evaluate(COVERED)} answers are covered instead of {goal}"]
    return []


def move_sliders(page: Page, patience: int = 60_000) -> tuple[int, list[str]]:
    """Every slider to both ends and some steps back, with the keyboard: how many there are, and the first move of each
    that changed nothing within `patience` ms."""
    handles = page.query_selector_all(".jp-NotebookPanel .widget-slider .noUi-handle")
    return len(handles), [
        fault for place, handle in enumerate(handles, start=1) for fault in _moved(page, handle, place, patience)
    ]


def _moved(page: Page, handle: ElementHandle, place: int, patience: int) -> list[str]:
    control = handle.evaluate_handle("one => one.closest('.widget-slider')").as_element()
    box = handle.evaluate_handle("one => one.closest('.widget-vbox')").as_element()
    faults, moves = [], 0
    handle.scroll_into_view_if_needed()
    handle.focus()
    for key, end in KEYS:
        if handle.get_attribute("aria-valuenow") == handle.get_attribute(end):
            continue
        stands, seen = handle.get_attribute("aria-valuenow"), box.evaluate(LOOK)
        value = control.query_selector(".widget-readout").inner_text()
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        moves += 1
        try:
            page.wait_for_function(f"([box, seen]) => ({LOOK})(box) !== seen", arg=[box, seen], timeout=patience)
        except TooLong:
            faults.append(f"slider {place}: nothing follows it on from {value}")
        if handle.get_attribute("aria-valuenow") == stands:
            faults.append(f"slider {place}: it does not move on from {value}")
        if faults:
            break
    return faults or ([] if moves else [f"slider {place} does not move"])
