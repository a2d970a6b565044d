"""Hints in steps: each is opened by itself, and the solution comes last.

Live, one button opens the hints one after another, and with one press more the solution as the solved edition has it.
Without a person (a re-run, a page) the hints stand folded, each inside the one before, so that readers open them step
by step as well; the last one says where the solution is.
"""

import html
import re
from collections.abc import Sequence

import ipywidgets as widgets
from IPython.display import Markdown, display

from labkit.lesson.exercises import EXERCISES
from labkit.lesson.keys import with_own_keys
from labkit.lesson.show import somebody_is_there
from labkit.lesson.start import header_of
from labkit.lesson.status import Status
from labkit.records import REPOSITORY, read_json

LINE = '<p style="line-height: 1.5; margin: 0.5em 0">'


def hints(name: str) -> None:
    """Show the hints of exercise `name`, none of them open. ValueError for an exercise that does not exist, or that no
    solved edition holds. Used from lesson 00 on."""
    if name not in EXERCISES:
        raise ValueError(f"there is no exercise {name!r}; there are {', '.join(EXERCISES)}")
    steps, (place, solution) = EXERCISES[name].hints, solution_of(name)
    display(live(steps, place, solution) if somebody_is_there() else Markdown(folded(steps, place)))


def live(steps: Sequence[str], place: str, solution: str) -> widgets.VBox:
    """A button above what it has opened. It stays where it is, so that a keyboard can press it again."""
    opened = [f"{LINE}<b>Hint {k} of {len(steps)}.</b> {as_html(text)}</p>" for k, text in enumerate(steps, start=1)]
    opened.append(f"{LINE}<b>Solution</b>, as in <code>{place}</code>:</p><pre>{html.escape(solution)}</pre>")
    labels = [f"Hint {k} of {len(steps)}" for k in range(1, len(steps) + 1)]
    labels += ["Show the solution", "Fold all up again"]
    button = widgets.Button(description=labels[0], layout={"width": "12em"})
    view = Status()
    count = 0

    def press(_: widgets.Button) -> None:
        nonlocal count
        count = (count + 1) % len(labels)
        view.value = "".join(opened[:count])
        button.description = labels[count]

    button.on_click(press)
    return with_own_keys([button, view])


def folded(steps: Sequence[str], place: str) -> str:
    """The hints as Markdown: to open one shows its text and the next one, still folded."""
    text = f"If that is not enough: the solution is in `{place}`."
    for k in range(len(steps), 0, -1):
        title = f"Hint {k} of {len(steps)}"
        text = f"<details><summary>{title}</summary>\n\n{steps[k - 1]}\n\n{text}\n\n</details>"
    return text


def as_html(sentence: str) -> str:
    """A sentence with `code` in it as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence, quote=False))


def solution_of(name: str) -> tuple[str, str]:
    """Where the solved edition with exercise `name` lies in the repository, and the solution in it: the cell that the
    check follows. ValueError if there is none."""
    stem, _ = header_of(name[:2])
    place = f"notebooks/solved/{stem}.ipynb"
    solution = None
    for cell in read_json(REPOSITORY / place)["cells"]:
        source = "".join(cell["source"])
        if "# BEGIN SOLUTION" in source:
            solution = source
        if f'answer("{name}"' in source and solution:
            lines = solution.splitlines()
            return place, "\n".join(line for line in lines if not line.endswith(("# BEGIN SOLUTION", "# END SOLUTION")))
    raise ValueError(f"{place} has no solution of exercise {name!r}: the last hint would lead nowhere")
