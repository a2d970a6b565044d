"""The engine of a sweep: workers side by side, each a process with its own threads, fed from one list.

Kill it at any time: what is finished stays, what was on its way goes on from its last checkpoint, nothing is done
twice. A run that fails is written down with its error, and the others go on.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from labkit import dist, records
from labkit.config import Run
from labkit.machine import cores
from labkit.sweep.code import code_hash
from labkit.sweep.folder import Folder, Record, name_of
from labkit.sweep.prediction import Prediction, predict
from labkit.wording import first_few

LOOK = 0.5  # seconds after which the bar is drawn anew even if nothing has happened
DEATHS = 3  # of the process that trains one run, after which the run counts as failed


class Progress(NamedTuple):
    """How far a sweep is: the share of the predicted work, and how many of `total` runs are done or have failed."""

    share: float
    done: int
    failed: int
    total: int


class Outcome(NamedTuple):
    """The records of all finished runs, in the order of the description, and the errors of those that failed."""

    records: list[Record]
    failed: dict[str, str]


def sweep(
    runs: Sequence[Run],
    folder: Path,
    *,
    workers: int | None = None,
    mix: bool = False,
    retry: bool = False,
    predicted: Prediction | None = None,
    progress: bool = True,
    watch: Callable[[Progress], object] | None = None,
) -> Outcome:
    """Train what is missing of `runs`, `workers` at a time (as many as there are cores for their threads, one on a
    GPU), and merge all results into FOLDER/results.jsonl.

    `retry` tries runs again that have failed before. `predicted` saves measuring once more how long each run will
    take. `watch` hears at least every half second how far it is; what it raises stops the sweep as Ctrl-C does.
    ValueError, before anything is started, if results in the folder come from other code (unless `mix`), if
    another sweep works there, or if there is nothing to train. Used in lesson 06.
    """
    names, place = list(dict.fromkeys(map(name_of, runs))), Folder(folder)
    if not names:
        raise ValueError("a sweep without a run: there is nothing to train")
    if dist.processes() > 1:
        raise ValueError("a sweep under torchrun: it starts its own processes, one for each run; nothing was started")
    hands = side_by_side(runs, workers)
    with place.locked():
        todo = missing(runs, folder, retry=retry, mix=mix)
        try:
            if todo:
                seconds = (predicted or foreseen(list(todo.values()), progress=progress)).seconds
                _Crew(place, todo, seconds, progress, total=len(names), watch=watch).work(hands)
        finally:
            lines = place.merge(names)
        return Outcome(lines, place.failed(names))


def missing(runs: Sequence[Run], folder: Path, *, retry: bool = False, mix: bool = False) -> dict[str, Run]:
    """By name the runs that are neither finished nor, unless they are to be tried again, failed by this code.

    ValueError, unless `mix`, if finished ones were computed by other code.
    """
    named, place = {name_of(run): run for run in runs}, Folder(folder)
    finished = place.finished(list(named))
    if not mix:
        _same_code(place.path, finished)
    failed = {} if retry else place.failed(list(named), code=code_hash())
    return {name: run for name, run in named.items() if name not in finished and name not in failed}


def foreseen(runs: Sequence[Run], *, progress: bool = True) -> Prediction:
    """`predict`, with a bar that goes away."""
    bar = partial(tqdm, desc="measuring steps", unit="kind", leave=False, file=sys.stdout)
    return predict(runs, progress=bar if progress else iter)


def side_by_side(runs: Sequence[Run], workers: int | None = None) -> int:
    """How many workers there will be: `workers`, else as many as there are cores for, one where a GPU does the work;
    never more than runs. ValueError for less than one."""
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers} must be 1 or more: nobody would train")
    if workers is not None:
        return min(len(runs), workers)
    if any(run.device == "cuda" or (run.device == "auto" and torch.cuda.is_available()) for run in runs):
        return 1
    return max(1, min(len(runs), int(cores()) // max(run.threads for run in runs)))


def _same_code(folder: Path, finished: Mapping[str, Record]) -> None:
    others = {name: line["code"] for name, line in finished.items() if line["code"] != code_hash()}
    if others:
        hashes = first_few(sorted(set(others.values())))
        raise ValueError(
            f"{len(others)} results in {folder} were computed by other code ({hashes} there, {code_hash()} here): "
            f"{first_few(sorted(others))}. Their numbers may not be comparable; nothing was started. Use another "
            "folder, or mix them knowingly (mix=True, --mix)"
        )


def _settings(run: Run) -> dict[str, Any]:
    """The run as a worker is told it: each gets a folder from the sweep."""
    return {name: value for name, value in asdict(run).items() if name != "folder"}


class News(NamedTuple):
    """What a worker has done since it last said so: predicted seconds of work, and how a run has ended."""

    seconds: float
    done: bool = False
    failed: bool = False


class _Crew:
    """The workers of one sweep and the list they take their runs from, the longest first."""

    def __init__(
        self,
        folder: Folder,
        todo: dict[str, Run],
        seconds: dict[str, float],
        progress: bool,
        *,
        total: int,
        watch: Callable[[Progress], object] | None,
    ) -> None:
        self.folder, self.seconds, self.watch = folder, seconds, watch
        self.waiting = deque(sorted(todo.items(), key=lambda item: -seconds.get(item[0], 0.0)))
        self.lock, self.over = threading.Lock(), False
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.processes: set[subprocess.Popen] = set()
        self.done, self.failed, self.total, self.earned = total - len(todo), 0, total, 0.0
        self.bar = tqdm(
            total=(sum(seconds.get(name, 0.0) for name in todo) or 1.0) * (1 + 1e-9),
            disable=not progress,
            file=sys.stdout,
            mininterval=0.5,
            smoothing=0.05,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} to go",
        )

    def work(self, workers: int) -> None:
        """Until the list is empty. Leaves no process behind, however it ends."""
        with ThreadPoolExecutor(workers) as pool:
            try:
                hands = [pool.submit(self._hand) for _ in range(min(workers, len(self.waiting)))]
                self._show_until(hands)
                for hand in hands:
                    hand.result()
            finally:
                self.over = True
                for process in list(self.processes):
                    process.kill()
                self.bar.close()

    def _hand(self) -> None:
        """One thread, which speaks with one worker at a time."""
        process = None
        try:
            while (taken := self._next()) is not None:
                for _ in range(DEATHS):
                    if process is None or process.poll() is not None:
                        self._let_go(process)
                        process = self._start(taken[1].threads)
                    if self._trained(process, *taken):
                        break
                else:
                    self._give_up(*taken, process.wait())
        finally:
            self._let_go(process)

    def _next(self) -> tuple[str, Run] | None:
        with self.lock:
            return self.waiting.popleft() if self.waiting and not self.over else None

    def _start(self, threads: int) -> subprocess.Popen:
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        with (self.folder.path / "workers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "labkit.sweep.worker", str(self.folder.path), code_hash()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": str(threads)},
                start_new_session=True,  # Ctrl-C is for the sweep, which ends its workers
            )
        self.processes.add(process)
        if self.over:
            process.kill()
        return process

    def _let_go(self, process: subprocess.Popen | None) -> None:
        """Nothing more to read: the worker ends, if it has not."""
        if process is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
        self.processes.discard(process)

    def _trained(self, process: subprocess.Popen, name: str, run: Run) -> bool:
        """Have one run trained. False if the process died."""
        credit = 0.0  # predicted seconds that the bar has been given for this run
        try:
            process.stdin.write(json.dumps({"name": name, "run": _settings(run)}) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                if "other_code" in answer:
                    self.over = True  # for the other hands too
                    raise ValueError(
                        f"the code has changed while the sweep ran (it began with {code_hash()}, now it is "
                        f"{answer['other_code']}): it stops here, and what is finished is kept"
                    )
                part = answer["step"] / run.steps if "step" in answer else 1.0
                earned = self.seconds.get(name, 0.0) * part
                self.news.put(News(earned - credit, "done" in answer, "failed" in answer))
                credit = earned
                if "failed" in answer:
                    process.wait()
                if "step" not in answer:
                    return True
        except BrokenPipeError:
            pass
        process.wait()
        if self.folder.result(name).exists():  # it died with its work done
            self.folder.tidy(name)
            self.news.put(News(self.seconds.get(name, 0.0) - credit, done=True))
            return True
        self.news.put(News(-credit))
        return self.over  # ended by us: nobody shall try again

    def _give_up(self, name: str, run: Run, code: int) -> None:
        error = f"its process died {DEATHS} times (exit code {code}), perhaps for want of memory; see workers.log"
        told = {"name": name, "error": error, "run": _settings(run), "code": code_hash(), "time": records.now()}
        records.write_json(self.folder.failure(name), told)
        self.news.put(News(self.seconds.get(name, 0.0), failed=True))

    def _show_until(self, hands: Sequence[Future]) -> None:
        """Draw the bar while the hands work. This thread alone draws: a bar that several threads draw can lock up."""
        while not (all(hand.done() for hand in hands) and self.news.empty()):
            self.bar.set_description_str(self._words(), refresh=False)
            self._tell()
            try:
                seconds, done, failed = self.news.get(timeout=LOOK)
            except queue.Empty:
                self.bar.refresh()
                continue
            self.done, self.failed = self.done + done, self.failed + failed
            step = min(max(seconds, -self.earned), self.bar.total - self.earned)  # sums of parts are rounded
            self.earned += step
            self.bar.update(step)
        self.bar.set_description_str(self._words())
        self._tell()

    def _tell(self) -> None:
        if self.watch is not None:
            share = min(1.0, self.earned / self.bar.total)
            self.watch(Progress(share, self.done, self.failed, self.total))

    def _words(self) -> str:
        return f"{self.done} of {self.total} runs" + (f", {self.failed} failed" if self.failed else "")
