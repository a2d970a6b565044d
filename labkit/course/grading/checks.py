"""One exercise of one student: the student's function is run in the sandbox, what it returned is judged out here.

The reference, the comparison and the messages never enter the sandbox, so no code in there can change a verdict. What
it can do is return the right values in another way than the exercise means: by a table, by a library's own function. A
second set of inputs, what the answer imports, and a few words in it point to that; people read what is pointed at.
"""

import json
import keyword
import os
import pickle
import platform
import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.course.grading.asked import Asked, Check
from labkit.course.grading.sandbox import Limits, bubblewrap, sandboxed, trusted
from labkit.course.grading.seccomp import seccomp_filter
from labkit.course.grading.submissions import Cell
from labkit.course.grading.values import cleaned, decoded
from labkit.course.grading.variation import varied
from labkit.course.grading.watching import Ended, run_watched
from labkit.lesson.exercises import Exercise
from labkit.wording import in_one_line

ODD = re.compile(r"__\w+__|\b(?:importlib|ctypes|eval|exec|compile|inspect|pickle|subprocess|socket|os|sys|gc)\b")
MOST_BRACKETS = 1_000_000  # of a reply's lists and objects: each takes a hundred times its two bytes once it is read
STATES = {"solved": "passed", "not solved": "not solved", "wrong": "wrong"}


class NotStarted(ValueError):
    """The sandbox did not come up: nothing can be said of the submission."""


@dataclass(frozen=True)
class Verdict:
    """How one exercise came out: passed, not solved, wrong, error, or the limit that it went past. `message` is what
    there is to say, `remarks` are reasons for a person to read the answer."""

    name: str
    state: str
    message: str = ""
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0


class Sandbox:
    """How student's code is run: by bubblewrap, or, trusted, without. ValueError where bubblewrap cannot work."""

    def __init__(self, limits: Limits, *, trust: bool, hidden: Sequence[Path] = ()) -> None:
        self.limits, self.trust, self.stop = limits, trust, threading.Event()
        self.command = trusted() if trust else sandboxed(bubblewrap(), limits, hidden)
        self.seccomp = b"" if trust else seccomp_filter()
        if not (trust or self.seccomp) and os.geteuid() == 0:
            raise ValueError(
                f"there is no filter for {platform.machine()}, and the limit on processes does not hold for root: a "
                "student's code could fill this machine with processes. Grade as another user. Nothing was graded"
            )

    def run(self, cells: Sequence[str], function: str, calls: Sequence[tuple[Any, ...]]) -> Ended:
        """Define `function` as the cells do, and make the calls."""
        data = self.limits.memory * 10**6
        limits = {
            "RLIMIT_DATA": data, "RLIMIT_AS": data + 16 * 10**9, "RLIMIT_CPU": int(self.limits.seconds) + 60,
            "RLIMIT_FSIZE": self.limits.disk * 10**6, "RLIMIT_NOFILE": 64, "RLIMIT_CORE": 0,
        }  # fmt: skip
        if not (self.trust or self.seccomp):
            limits["RLIMIT_NPROC"] = self.limits.processes
        task = {
            "cells": list(cells),
            "function": function,
            "limits": limits,
            "calls": [pickle.dumps(one) for one in calls],
        }
        return run_watched(self.command, pickle.dumps(task), self.limits, self.stop, seccomp=self.seccomp)


def grade_check(check: Check, lesson: Asked, cells: Sequence[Cell], sandbox: Sandbox) -> Verdict:
    """Run and judge one exercise. NotStarted where that was impossible for a reason that is not the student's."""
    name = check.exercise.name
    remarks, before = _looked_at(check, cells)
    if [one for one in before if check.function in one] == [one for one in check.before if check.function in one]:
        return Verdict(name, "not solved", "the cell is as it was handed out", remarks)
    chance = random.SystemRandom()
    first, second = list(check.exercise.inputs), varied(check.exercise, chance)
    order = chance.sample(range(len(first) + len(second)), len(first) + len(second))
    ended = sandbox.run(before, check.function, [(first + second)[k] for k in order])
    if ended.how == "interrupted":
        raise KeyboardInterrupt
    if not ended.lines:
        raise NotStarted(f"the sandbox did not come up: {in_one_line(ended.noise)[-300:] or ended.how}")
    if len(ended.lines) > 1:  # written before any of the student's code ran
        remarks = (*remarks, *_odd(json.loads(ended.lines[1]), lesson))
    state, outcomes = _read(ended, len(order))
    if outcomes is None:
        return Verdict(name, *state, (*remarks, *_told(check, cells, state[0])), ended.seconds)
    in_order = [outcome for _, outcome in sorted(zip(order, outcomes, strict=True), key=lambda pair: pair[0])]
    status, message = _judge(check.exercise, first, in_order[: len(first)])
    if status == "passed" and not second:
        remarks = (*remarks, "no second look possible: the exercise's inputs could not be varied")
    elif status == "passed" and _judge(check.exercise, second, in_order[len(first) :])[0] != "passed":
        remarks = (*remarks, "right on the exercise's own inputs, wrong on others")
    return Verdict(
        name, status, "" if status == "passed" else message, (*remarks, *_told(check, cells, status)), ended.seconds
    )


def _looked_at(check: Check, cells: Sequence[Cell]) -> tuple[tuple[str, ...], list[str]]:
    """What is odd about the checking cell, and the sources of the cells that count: those before it, or all, if it or
    every definition before it is gone."""
    places = [k for k, cell in enumerate(cells) if cell.id == check.cell] or [
        k for k, cell in enumerate(cells) if cell.source.strip() == check.source.strip()
    ]
    everything = [cell.source for cell in cells]
    if not places:
        return ("the check's cell is gone",), everything
    remarks = () if cells[places[0]].source.strip() == check.source.strip() else ("the check's cell was edited",)
    before = everything[: places[0]]
    return remarks, before if any(check.function in one for one in before) else everything


def _odd(source: dict[str, Any], lesson: Asked) -> tuple[str, ...]:
    """What in the code that ran asks to be read."""
    own = sorted({one for one in source["imports"] if one.startswith("labkit")} - lesson.imports)
    remarks = [f"imports {', '.join(own)}"] if own else []
    if words := sorted(set(ODD.findall(source["source"]))):
        remarks.append(f"uses {', '.join(words)}"[:200])
    return tuple(remarks)


def _told(check: Check, cells: Sequence[Cell], status: str) -> tuple[str, ...]:
    """Where the notebook's own verdict, saved with it, differs from ours."""
    told = [cell.solved for cell in cells if cell.id == check.cell and cell.solved is not None]
    if not told or told[-1] == (status == "passed"):
        return ()
    return ("the notebook shows it solved",) if told[-1] else ("the notebook shows it unsolved",)


def _read(ended: Ended, count: int) -> tuple[tuple[str, str], list[dict[str, Any]] | None]:
    """State and message of a run without outcomes, or the outcomes."""
    if ended.how != "ended":
        return (ended.how, ""), None
    try:
        line = ended.lines[2]
        if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
            return ("error", f"its process replied with more than {MOST_BRACKETS:,} lists and objects"), None
        reply = json.loads(line)
        if "broke" in reply:
            return _broke(*map(cleaned, reply["broke"])), None
        outcomes = reply["outcomes"]
        if isinstance(outcomes, list) and len(outcomes) == count and all(isinstance(one, dict) for one in outcomes):
            raised = [one["raised"][0] for one in outcomes if "raised" in one]
            return (("out of memory", ""), None) if "MemoryError" in raised else (("", ""), outcomes)
    except (ValueError, RecursionError, IndexError, KeyError, TypeError):
        pass
    return ("error", f"its process ended without an answer (code {ended.code})"), None


def _broke(kind: str, message: str) -> tuple[str, str]:
    return ("out of memory", "") if kind == "MemoryError" else ("error", f"{kind}: {message}")


def _judge(
    exercise: Exercise, inputs: Sequence[tuple[Any, ...]], outcomes: Sequence[dict[str, Any]]
) -> tuple[str, str]:
    """The exercise's own check, on what came out of the sandbox."""
    if any("uncallable" in one for one in outcomes):
        return "wrong", f"The answer should be a function, but it is {cleaned(outcomes[0].get('uncallable'), 100)}."
    coming = iter(outcomes)
    try:
        status, message = _on(exercise, inputs).check(lambda *_: _returned(next(coming)))
    except Exception as error:  # comparing what hostile code made up may fail in any way
        return "wrong", f"it cannot be compared ({type(error).__name__})"
    return STATES[status], message


def _on(exercise: Exercise, inputs: Sequence[tuple[Any, ...]]) -> Exercise:
    return replace(exercise, inputs=tuple(inputs))


def _returned(outcome: dict[str, Any]) -> Any:
    """What a call returned, or its error raised anew under its own name."""
    if "raised" in outcome:
        kind, message = map(cleaned, outcome["raised"])
        named = kind if kind.isidentifier() and not keyword.iskeyword(kind) else "Exception"
        raise type(named, (Exception,), {})(message)
    return decoded(outcome.get("value"))
