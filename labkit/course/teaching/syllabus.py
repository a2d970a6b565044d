"""The syllabus: what to know beforehand, what builds on what, six sessions, how it is marked, the terms."""

from collections.abc import Iterator, Sequence

from labkit.course.promises import Promise
from labkit.course.shell import COURSE, QUESTION
from labkit.course.teaching.glossary import GLOSSARY, PREREQUISITES
from labkit.course.teaching.lesson import Taught
from labkit.course.teaching.schedule import MINUTES, Session, schedule

STUDY = (
    "one question, and one thing that varies",
    "matched seeds for all recipes, and a reason for their number",
    "the cost, said before the runs",
    "differences seed by seed with their intervals, at a level that all comparisons share",
    "verdicts that say *shown* or *not shown*, and nothing beyond the runs",
    "limits: what the study does not show, and which study would",
)
STUDY_LESSON = "11"


def syllabus(lessons: Sequence[Taught]) -> str:
    """The page, as Markdown, computed from the lessons' headers, exercises and questions. ValueError if they do not fit
    into the sessions."""
    headers = [one.lesson for one in lessons]
    return (
        "\n\n".join(
            (
                f"# {COURSE}: syllabus",
                QUESTION,
                "## Before the course",
                "\n".join(f"- {line}" for line in PREREQUISITES),
                "## Lessons",
                "\n".join(contents(lessons)),
                "People's minutes are estimates of the lessons' authors, machines' are measured ("
                f"{'; '.join(machines(lessons)) or 'not yet'}). A machine works while people read.",
                "## Schedule",
                "\n".join(timetable(schedule(headers))),
                "What goes past a session's end is homework; what is left of one is for the questions to discuss.",
                "## Rubric",
                "\n".join(rubric(lessons)),
                "A prediction counts when it was made, right or wrong: who is afraid to be wrong predicts nothing. "
                "`labkit course grade` counts exercises and predictions; the study is read by a person.",
                "## Terms",
                "\n".join(f"- **{term}**: {meaning}" for term, meaning in sorted(GLOSSARY.items(), key=_by_letter)),
            )
        )
        + "\n"
    )


def contents(lessons: Sequence[Taught]) -> Iterator[str]:
    """A table of the lessons: what each builds on, minutes of people and of machines, in both profiles where known."""
    full = any(one.full for one in lessons)
    yield "| lesson | builds on | people, minutes | machine, minutes |" + (" at full length |" if full else "")
    yield "|---|---|---|---|" + ("---|" if full else "")
    for one in lessons:
        needs = ", ".join(one.lesson.builds_on) or "nothing"
        line = f"| {one.lesson.number} {one.lesson.title} | {needs} | {one.lesson.working_minutes} |"
        yield line + "".join(f" {_minutes(found)} |" for found in (one.promise, one.full)[: 1 + full])


def machines(lessons: Sequence[Taught]) -> list[str]:
    """The machines that lessons' times were measured on."""
    return list(dict.fromkeys(found.machine for one in lessons for found in (one.promise, one.full) if found))


def timetable(plan: Sequence[Session]) -> Iterator[str]:
    """A table of the sessions, their minutes and what is homework."""
    yield f"| session of {MINUTES} minutes | lessons | in class, minutes | homework |"
    yield "|---|---|---|---|"
    for number, session in enumerate(plan, start=1):
        held = "; ".join(f"{one.number} {one.title}" for one in session.lessons)
        total = sum(one.working_minutes for one in session.lessons)
        over = f"the last {session.homework} minutes of {session.lessons[-1].number}" if session.homework else "none"
        yield f"| {number} | {held} | {total - session.homework} | {over} |"


def rubric(lessons: Sequence[Taught]) -> Iterator[str]:
    """A table of what gives points: a point for each exercise, each prediction made, each demand on the study."""
    yield "| part | a point for each | points |"
    yield "|---|---|---|"
    total = 0
    for one in lessons:
        exercises = len(one.exercises)
        total += exercises
        yield f"| {one.lesson.number} {one.lesson.title} | exercise solved | {exercises} |"
    predictions = sum(len(one.questions) for one in lessons)
    yield f"| predictions, all lessons | prediction made | {predictions} |"
    total += predictions
    if any(one.lesson.number == STUDY_LESSON for one in lessons):
        yield f"| report of the study of lesson {STUDY_LESSON} | demand met: {'; '.join(STUDY)} | {len(STUDY)} |"
        total += len(STUDY)
    yield f"| all | | {total} |"


def _minutes(found: Promise | None) -> str:
    return f"{found.seconds / 60:.1f}" if found else "not measured"


def _by_letter(entry: tuple[str, str]) -> str:
    return entry[0].lower()
