"""What stands around the cells: header, links, footer and the index, from the templates beside this file."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pygments.formatters import HtmlFormatter

from labkit.course.figures_html import DARK
from labkit.course.lesson import Lesson
from labkit.course.thumbnails import thumbnail

FOLDER = Path(__file__).parent / "templates"
COURSE = "Patch Lab"
QUESTION = (
    "What happens to a vision model when an image is cut into smaller and smaller patches, down to single pixels?"
)
INTRO = (
    "A vision transformer never sees an image, it sees a sequence of patches. Halve the patch and the sequence grows "
    "fourfold: the model sees more and pays for more. In these lessons you cut photographs yourself, train a model on "
    "them, and ask, with several seeds, whether smaller patches pay. Each page shows a lesson as it ran, with its "
    "answers; the sliders move."
)
STYLES = {"light": "xcode", "dark": "github-dark"}  # of pygments


def lesson_page(
    lesson: Lesson,
    entry: dict[str, Any] | None,
    cells: str,
    *,
    before: Lesson | None,
    after: Lesson | None,
    has_figures: bool,
) -> str:
    """The page of one lesson; `entry` is the report's record of its run."""
    return _render(
        "lesson.html.j2", lesson=lesson, entry=entry, cells=cells, before=before, after=after, has_figures=has_figures
    )


def index_page(lessons: list[tuple[Lesson, dict[str, Any] | None]], report: dict[str, Any]) -> str:
    """The front page: what the course is, its lessons in order, how they last ran."""
    return _render(
        "index.html.j2",
        lessons=lessons,
        report={"started": None, "machine": None, "profile": None, **report},
        minutes=sum(lesson.working_minutes for lesson, _ in lessons),
        failed=[lesson for lesson, entry in lessons if entry and entry["status"] != "passed"],
        patches=_patches(0.0, 0.0, 64.0),
    )


def stylesheet() -> str:
    """The style sheet, with the colours of code for light and dark behind it."""
    light, dark = (HtmlFormatter(style=STYLES[mode]).get_style_defs(".highlight") for mode in ("light", "dark"))
    own = (FOLDER / "lab.css").read_text(encoding="utf-8")
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n.highlight {{ background: none; }}\n"


def script() -> str:
    """The script of every page: what scrolls sideways can be reached from the keyboard."""
    return (FOLDER / "lab.js").read_text(encoding="utf-8")


def figures_script() -> str:
    """The script that draws figures, with what each colour becomes on a dark page."""
    text = (FOLDER / "figures.js").read_text(encoding="utf-8")
    return text.replace('"{{ dark }}"', json.dumps(DARK))


def _render(template: str, **values: Any) -> str:
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"duration": _duration, "day": _day, "hours": _hours, "thumbnail": thumbnail}
    return environment.get_template(template).render(course=COURSE, question=QUESTION, intro=INTRO, **values)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _day(moment: str) -> str:
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _hours(minutes: int) -> str:
    return f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 60)} hours"


def _patches(x: float, y: float, size: float) -> list[tuple[float, float, float, float]]:
    """The drawing on the front page: a square cut in four, its last quarter cut again, down to a few units."""
    half = size / 2
    corners = [(x, y), (x + half, y), (x, y + half)]
    drawn = [(a + 0.4, b + 0.4, half - 0.8, 0.9 - 0.18 * i) for i, (a, b) in enumerate(corners)]
    last = (x + half, y + half)
    return drawn + (_patches(*last, half) if half > 4 else [(last[0] + 0.4, last[1] + 0.4, half - 0.8, 0.9)])
