"""A sweep's folder, and the tables that are read from it.

FOLDER/runs/NAME/            checkpoints of a run on its way
FOLDER/results/NAME.json     the record of a finished run, renamed into place
FOLDER/failed/NAME.json      the error of a run that failed, and its recipe
FOLDER/results.jsonl         all finished runs of the description, a line for each, in its order
FOLDER/failed.jsonl          the same of the runs that failed
FOLDER/workers.log           what the workers had to say
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from labkit import records
from labkit.config import Run
from labkit.locks import locked

Record = dict[str, Any]


def name_of(run: Run) -> str:
    """A name for a run's files: what most runs differ in, and eight digits that stand for its whole recipe."""
    digits = hashlib.sha256(json.dumps(run.recipe(), sort_keys=True).encode()).hexdigest()[:8]
    return f"{run.task}-{run.model}-p{run.patch_size}-{run.steps}-steps-seed{run.seed}-{digits}"


class Folder:
    """Where the runs of one sweep are kept."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def run(self, name: str) -> Path:
        """Of a run on its way."""
        return self.path / "runs" / name

    def result(self, name: str) -> Path:
        """Of a finished run."""
        return self.path / "results" / f"{name}.json"

    def failure(self, name: str) -> Path:
        """Of a run that failed."""
        return self.path / "failed" / f"{name}.json"

    def finish(self, name: str, record: Record) -> None:
        """Write a finished run's record, then let go of what is no longer needed."""
        records.write_json(self.result(name), record)
        self.tidy(name)

    def tidy(self, name: str) -> None:
        """Let go of what a finished run no longer needs."""
        self.failure(name).unlink(missing_ok=True)
        shutil.rmtree(self.run(name), ignore_errors=True)

    def finished(self, names: Sequence[str]) -> dict[str, Record]:
        """The records that are there, by name."""
        return {name: records.read_json(self.result(name)) for name in names if self.result(name).exists()}

    def failed(self, names: Sequence[str], *, code: str | None = None) -> dict[str, str]:
        """The errors that are there, by name: all, or those under one code."""
        return {told["name"]: told["error"] for told in self._failures(names) if code in (None, told["code"])}

    def merge(self, names: Sequence[str]) -> list[Record]:
        """Write results.jsonl and failed.jsonl, in the order of the names. Returns the lines of the first."""
        found = self.finished(names)
        lines = [found[name] for name in names if name in found]
        for file, told in (("results.jsonl", lines), ("failed.jsonl", self._failures(names))):
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in told)
            records.write_text(self.path / file, text)
        return lines

    def _failures(self, names: Sequence[str]) -> list[Record]:
        paths = [self.failure(name) for name in names if not self.result(name).exists()]
        return [records.read_json(path) for path in paths if path.exists()]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one sweep. ValueError if another process works in it."""
        records.make_writable(self.path)
        with ExitStack() as held:
            try:
                held.enter_context(locked(self.path / ".lock", wait=False))
            except BlockingIOError as error:
                raise ValueError(
                    f"another sweep is at work in {self.path}: two would train the same runs; nothing was started"
                ) from error
            yield


def read_lines(path: Path) -> list[Record]:
    """The records in a file of JSON lines, such as a sweep's results.jsonl. ValueError for a line that is damaged."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    try:
        return [json.loads(line) for line in lines if line]
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON lines ({error}): it is damaged and nothing was read from it") from error


def values_by(lines: Sequence[Mapping[str, Any]], *axes: str, value: str = "test_loss") -> dict[Any, list[Any]]:
    """One value of each record, gathered by its place on the axes: {16: [1.2, 1.3], 8: [0.9, 0.8]} for one axis,
    tuples as keys for several. Within a place in the order of seeds. Used in lessons 06 and 07.

    ValueError for an axis that a record does not have, if two records differ in none of the axes and the seed, which
    would count as two seeds, and if places hold different seeds (a run that failed is missing): values would be paired
    that do not belong together.
    """
    found: dict[Any, dict[int, Any]] = {}
    for line in lines:
        if strange := [name for name in (*axes, value) if name not in line]:
            raise ValueError(f"{', '.join(strange)}: not in every record, which holds {', '.join(line)}")
        place = tuple(line[axis] for axis in axes)
        seeds = found.setdefault(place[0] if len(axes) == 1 else place, {})
        if line["seed"] in seeds:
            raise ValueError(f"two records for {dict(zip(axes, place, strict=True))}, seed {line['seed']}: name more "
                             "axes, or one run would count twice")  # fmt: skip
        seeds[line["seed"]] = line[value]
    if len({tuple(sorted(seeds)) for seeds in found.values()}) > 1:
        told = "; ".join(f"{place}: {sorted(seeds)}" for place, seeds in found.items())
        raise ValueError(f"not the same seeds everywhere ({told}): leave out what is not complete, or train the rest")
    return {place: [seeds[seed] for seed in sorted(seeds)] for place, seeds in found.items()}


def recorded_runs(name: str) -> list[Record]:
    """The runs of a recorded sweep, data/runs/<name>.jsonl of the course. ValueError if there is none of that name.
    Used in lesson 07."""
    path = records.REPOSITORY / "data" / "runs" / f"{name}.jsonl"
    if not path.exists():
        raise ValueError(
            f"no sweep {name!r} is recorded at {path}: `labkit sweep data/runs/{name}.toml FOLDER` trains it"
        )
    return read_lines(path)
