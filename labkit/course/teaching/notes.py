"""An instructor's page for one lesson, as Markdown: claims, time, misconceptions, wrong answers, discussion, limits."""

from collections.abc import Iterable, Iterator

from labkit.course.teaching.lesson import Taught, shape_of
from labkit.course.teaching.mistakes import code_of
from labkit.lesson.exercises import Exercise
from labkit.lesson.questions import Question

UNKNOWN = "Which one comes out, a run says; none is at hand: `labkit rerun {number}`, then build again."


def notes(one: Taught) -> str:
    """The page. What a run has to say comes from the lesson's last run and its record, or is said to be missing."""
    lesson = one.lesson
    parts = [
        f"# {lesson.number} {lesson.title}: notes for the instructor",
        lesson.summary,
        "## What students can do afterwards",
        _list(f"{entry.text} (check `{entry.check}`)" for entry in lesson.objectives),
        "## Time",
        _list(times(one)),
        "## Predictions, and the misconceptions behind them",
        *(_question(name, asked, one) for name, asked in one.questions.items()),
        "" if one.questions else "The lesson asks for no prediction.",
        "## Exercises, and the wrong answers to expect",
        *(_exercise(exercise) for exercise in one.exercises),
        "" if one.exercises else "The lesson has no exercise.",
        "## To discuss",
        "\n".join(f"{number}. {text}" for number, text in enumerate(one.discussion, start=1)),
        "## Limits of this result",
        one.limits,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def times(one: Taught) -> Iterator[str]:
    """What a lesson takes of people and of machines, in sentences."""
    yield f"People: {one.lesson.working_minutes} minutes, estimated."
    if one.promise:
        yield f"Machine: {_minutes(one.promise.seconds)}, measured for the record ({one.promise.machine})."
    else:
        yield f"Machine: not measured; `labkit record {one.lesson.number}` does."
    if one.full:
        yield f"Machine, full profile: {_minutes(one.full.seconds)}, measured ({one.full.machine})."
    if one.last:
        run = one.last["run"]
        machine = f"{run['machine']['platform']}, {run['machine']['cores']:g} cores"
        yield f"Machine, in the last re-run ({machine}, {run['started']}): {_minutes(one.last['seconds'])}, measured."
    if one.lesson.measures_time:
        yield "It measures time: nothing else should run beside it."


def _minutes(seconds: int | float) -> str:
    return f"{seconds / 60:.1f} minutes"


def _question(name: str, asked: Question, one: Taught) -> str:
    right, alone = one.came_out.get(name), [letter for letter in asked.options if letter not in asked.why_not]
    if right:
        truth = f"What came out in the last re-run: **{right}**."
    elif alone:
        truth = f"What comes out: **{alone[0]}**, the only answer without a misconception."
    else:
        truth = UNKNOWN.format(number=one.lesson.number)
    answers = []
    for letter, option in asked.options.items():
        mark = f"**{letter}** {option}"
        if letter in asked.why_not:
            thought = asked.why_not[letter]
            mark += f"\n    - *{thought.name}*: {thought.thought}"
        answers.append(mark)
    return f"### {name}\n\n{shape_of(asked.text)}\n\n{_list(answers)}\n\n{truth}"


def _exercise(exercise: Exercise) -> str:
    wrong = "\n".join(_mistake(mistake.message, code_of(mistake.answer)) for mistake in exercise.mistakes)
    hints = "\n".join(f"{number}. {text}" for number, text in enumerate(exercise.hints, start=1))
    reach = {"near": "Near to the worked example.", "far": "Far from the worked example."}[exercise.reach]
    parts = [f"### {exercise.name}", reach, "Wrong answers, and what the check says to them:", wrong]
    return "\n\n".join([*parts, "Hints, in the order in which they open:", hints, f"Solved: {exercise.solved}"])


def _mistake(message: str, code: str | None) -> str:
    if code is None:
        return f"- {message}"
    block = "\n".join(f"  {line}".rstrip() for line in ("```python", *code.splitlines(), "```"))
    return f"- {message}\n\n{block}\n"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
