"""Exercises that answer at once.

An exercise holds the library's own answer, inputs to try, and typical wrong answers as running code, each with the
message its maker should read. The check runs the student's answer on the inputs: equal to the reference everywhere,
it is solved; equal to a typical wrong answer, it gets that message; else the first difference is named. An answer
that is not there yet says so, and the lesson goes on with the library's.
"""

from typing import Any

from IPython.display import Markdown, display

from labkit.lesson.exercises.check import Exercise as Exercise
from labkit.lesson.exercises.check import Mistake as Mistake
from labkit.lesson.exercises.lesson_00 import EXERCISES as LESSON_00
from labkit.lesson.exercises.lesson_01 import EXERCISES as LESSON_01
from labkit.lesson.exercises.lesson_02 import EXERCISES as LESSON_02
from labkit.lesson.exercises.lesson_03 import EXERCISES as LESSON_03
from labkit.lesson.exercises.lesson_04 import EXERCISES as LESSON_04
from labkit.lesson.exercises.lesson_05 import EXERCISES as LESSON_05
from labkit.lesson.exercises.lesson_06 import EXERCISES as LESSON_06
from labkit.lesson.exercises.lesson_07 import EXERCISES as LESSON_07
from labkit.lesson.exercises.lesson_08 import EXERCISES as LESSON_08
from labkit.lesson.exercises.lesson_10 import EXERCISES as LESSON_10
from labkit.lesson.exercises.lesson_11 import EXERCISES as LESSON_11

_EVERY = (
    *(*LESSON_00, *LESSON_01, *LESSON_02, *LESSON_03, *LESSON_04, *LESSON_05, *LESSON_06, *LESSON_07, *LESSON_08),
    *(*LESSON_10, *LESSON_11),
)
EXERCISES = {exercise.name: exercise for exercise in _EVERY}


def answer(name: str, yours: Any) -> Any:
    """Check your answer to exercise `name`, say how it went, and return it if it is right, else the library's.
    ValueError for an exercise that does not exist."""
    if name not in EXERCISES:
        raise ValueError(f"there is no exercise {name!r}; there are {', '.join(EXERCISES)}")
    exercise = EXERCISES[name]
    status, message = exercise.check(yours)
    mark = {"solved": "✓ **Solved.**", "not solved": "○ **Not solved yet.**", "wrong": "✗ **Not right yet.**"}[status]
    display(Markdown(f"{mark} {message}"))
    return yours if status == "solved" else exercise.reference
