"""Running lessons in child processes, some side by side, each with a time limit, and none left behind.

A kernel lives in a session of its own, so a signal to the child's group would miss it: the tree is walked instead.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from labkit.course.plan import Run

PAUSE = 0.05  # seconds between two looks at the children


@dataclass(frozen=True)
class Finished:
    """How one run ended. `code` is None when its time was up; `output` is the notebook as far as it came."""

    run: Run
    code: int | None
    seconds: float
    output: Path
    log: str


@dataclass(frozen=True)
class Child:
    """One lesson on its way, with the folder that it may fill."""

    run: Run
    process: subprocess.Popen[bytes]
    folder: Path
    started: float

    def finished(self) -> Finished | None:
        """How it ended, or None while it runs; ends it when its time is up."""
        seconds = time.monotonic() - self.started
        code = self.process.poll()
        if code is None and seconds < self.run.timeout:
            return None
        if code is None:
            self.end()
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return Finished(self.run, code, seconds, self.folder / "executed.ipynb", log)

    def end(self) -> None:
        """Kill the child, its kernel and whatever the kernel started."""
        end_tree(self.process)


def run_children(runs: Sequence[Run], scratch: Path, jobs: int, say: Callable[[str], None]) -> Iterator[Finished]:
    """Run them and yield each as it ends. Lessons that measure time come last and have the machine to themselves."""
    waiting = sorted(runs, key=lambda run: jobs > 1 and run.lesson.measures_time)
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and _may_start(waiting[0], running, jobs):
                run = waiting.pop(0)
                say(f"{run.lesson.stem}: started, at most {run.timeout} s")
                running.append(_start(run, scratch))
            time.sleep(PAUSE)
            for child in list(running):
                if finished := child.finished():
                    running.remove(child)
                    yield finished
    finally:
        for child in running:
            child.end()


def _may_start(run: Run, running: list[Child], jobs: int) -> bool:
    alone = run.lesson.measures_time or any(child.run.lesson.measures_time for child in running)
    return len(running) < (1 if alone else jobs)


def _start(run: Run, scratch: Path) -> Child:
    folder = scratch / run.lesson.stem
    folder.mkdir()
    (folder / "lesson.ipynb").write_bytes(run.notebook.read_bytes())
    spec = {
        "notebook": str(folder / "lesson.ipynb"),
        "output": str(folder / "executed.ipynb"),
        "folder": str(run.notebook.parent),
        "parameters": run.parameters,
    }
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [sys.executable, "-m", "labkit.course.execute", str(folder / "spec.json")]
    with (folder / "log").open("wb") as log:
        # a session of its own: Ctrl-C reaches the parent alone, which then ends the whole tree in order
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    return Child(run, process, folder, time.monotonic())


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all below it, if it has not ended, and wait until it is gone."""
    if process.poll() is None:
        for one in _stopped_tree(psutil.Process(process.pid)):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()


def _stopped_tree(process: psutil.Process) -> list[psutil.Process]:
    """The process and all below it, each stopped before its children are listed, so that none can start another."""
    try:
        process.suspend()
        return [process, *(one for child in process.children() for one in _stopped_tree(child))]
    except psutil.NoSuchProcess:
        return []
