"""One worker of a sweep: a process that trains one run after the other, as the sweep tells it.

It reads a line of JSON for each run and answers with lines of JSON: {"step": ...} now and then, {"done": ...} or
{"failed": ...} at the end; {"other_code": ...} if the code has changed since the sweep began. After a failure it ends:
what a run has broken (a GPU's memory, say) shall not fail the next one. When the sweep is gone, whatever became of it,
the worker ends at once: what it has trained so far lies in the last checkpoint.
"""

import json
import os
import queue
import shutil
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from labkit import records
from labkit.config import Run
from labkit.machine import keep_freed_memory
from labkit.sweep.code import code_hash
from labkit.sweep.folder import Folder
from labkit.train import train


def main(path: str, expected: str) -> None:
    """Work in the sweep's folder, by the code whose hash is `expected`, until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints must not speak in between
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs), daemon=True).start()
    code = code_hash()
    keep_freed_memory()
    answer = {"other_code": code} if code != expected else {}
    while not answer.keys() & {"failed", "other_code"}:
        job = json.loads(jobs.get())
        answer = work(Folder(Path(path)), job["name"], job["run"], code, answers)
        print(json.dumps(answer), file=answers)
    if "other_code" in answer:
        print(json.dumps(answer), file=answers)


def work(folder: Folder, name: str, fields: dict[str, Any], code: str, answers: TextIO) -> dict[str, str]:
    """Train one run; its record or its error is on the disk before the answer is given."""

    def say(step: int) -> None:
        try:
            print(json.dumps({"step": step}), file=answers)
        except OSError:  # nobody listens any more: this is no failure of the run
            os._exit(0)

    try:
        run = Run(**fields, folder=folder.run(name))
        _only_by(code, run.folder)
        record = train(run, progress=False, watch=say).record
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        told = {"name": name, "error": said, "traceback": traceback.format_exc(), "run": fields, "code": code}
        records.write_json(folder.failure(name), told | {"time": records.now()})
        return {"failed": said}
    folder.finish(name, {"name": name, **record, "code": code, "machine": records.machine()})
    return {"done": name}


def _only_by(code: str, folder: Path) -> None:
    """A run that other code has begun starts over: half of it would be the other's."""
    mark = folder / "code.json"
    if folder.exists() and not (mark.exists() and records.read_json(mark) == code):
        shutil.rmtree(folder)
    if not mark.exists():
        records.write_json(mark, code)


def _listen(lines: TextIO, jobs: queue.SimpleQueue[str]) -> None:
    for line in lines:
        jobs.put(line)
    os._exit(0)  # the sweep has closed the line, or is gone


if __name__ == "__main__":
    main(*sys.argv[1:])
