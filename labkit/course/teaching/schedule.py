"""Sessions out of the lessons' working minutes: in order, whole lessons, the least homework."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from labkit.course.lesson import Lesson

SESSIONS, MINUTES = 6, 90


@dataclass(frozen=True)
class Session:
    """The lessons of one session; `homework` are the minutes of the last one that do not fit into it."""

    lessons: tuple[Lesson, ...]
    homework: int


def schedule(lessons: Sequence[Lesson], *, sessions: int = SESSIONS, minutes: int = MINUTES) -> list[Session]:
    """The lessons in their order, in at most `sessions` of so many minutes each, so that the homework is least. What
    goes past a session's end is the end of its last lesson, as homework.

    ValueError if a session would then give the whole of its last lesson, or more, as homework: too few sessions.
    """

    @cache
    def best(start: int, left: int) -> tuple[int, int, tuple[int, ...]]:
        """Minutes of homework from lesson `start` on, the largest square of one, and where sessions end."""
        if start == len(lessons):
            return 0, 0, ()
        if not left:
            return sum(one.working_minutes for one in lessons) * minutes, 0, ()
        found = []
        for end in range(start + 1, len(lessons) + 1):
            over = max(0, sum(one.working_minutes for one in lessons[start:end]) - minutes)
            rest, squares, ends = best(end, left - 1)
            found.append((over + rest, over**2 + squares, (end, *ends)))
        return min(found)

    ends = best(0, sessions)[2]
    parts = [tuple(lessons[start:end]) for start, end in zip((0, *ends), ends, strict=False)]
    plan = [Session(part, max(0, sum(one.working_minutes for one in part) - minutes)) for part in parts]
    for number, session in enumerate(plan, start=1):
        if session.homework >= session.lessons[-1].working_minutes:
            raise ValueError(
                f"{len(lessons)} lessons do not fit into {sessions} sessions of {minutes} minutes: all of "
                f"{session.lessons[-1].stem} and more would be homework of session {number}; take more sessions"
            )
    return plan
