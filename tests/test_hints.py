"""Hints come in steps and do not give the answer away; exercises go from a worked example over near to far."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import jupytext
import pytest
from lesson_cells import SOURCES

from labkit.course.markdown import markdown_to_html
from labkit.lesson import hints as shown_hints
from labkit.lesson.exercises import EXERCISES
from labkit.lesson.exercises.check import Exercise
from labkit.lesson.hints import as_html, folded, live, solution_of
from labkit.lesson.keys import BOX

EVERY = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]
STEMS = [path.stem for path in SOURCES]
CHECK = re.compile(r'answer\("([^"]+)"')


class Folded(HTMLParser):
    """Each text of a page with the number of folds that it lies in, those that are open left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.depth, self.summary, self.texts = 0, False, []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "details" and "open" not in dict(attrs)
        self.summary = self.summary or tag == "summary"

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "details"
        self.summary = self.summary and tag != "summary"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.depth - self.summary, data.strip()))


def given_away(solution: str, hints: tuple[str, ...] | list[str]) -> list[str]:
    """Statements of a solution that a hint holds, spaces aside. Those of a few characters (`n = 1`) say nothing."""
    said = ["".join(hint.split()) for hint in hints]
    lines = ["".join(line.split()).removeprefix("return") for line in solution.splitlines()[1:]]
    return [line for line in lines if len(line) > 8 and any(line in one for one in said)]


# ---------------------------------------------------------------- what the hints say


@pytest.mark.parametrize("exercise", EVERY)
def test_hints_are_sentences_and_the_first_is_a_nudge_without_code(exercise: Exercise) -> None:
    assert 2 <= len(exercise.hints) <= 3
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert all(re.match(r"[A-Z`].*[.?]$", hint) and hint.count("`") % 2 == 0 for hint in exercise.hints)
    assert "`" not in exercise.hints[0]


@pytest.mark.parametrize("exercise", EVERY)
def test_hints_do_not_hold_the_solution(exercise: Exercise) -> None:
    _, solution = solution_of(exercise.name)
    assert given_away(solution, exercise.hints) == []


def test_a_hint_that_gives_the_answer_away_is_found() -> None:
    _, solution = solution_of("00-tokens")
    assert given_away(solution, ["Write `(image_size//patch_size)**2`."]) == ["(image_size//patch_size)**2"]


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (("Only one.",), "two or three hints"),
        ("A sentence, which is a sequence too.", "two or three hints"),
        (("One.", "Two.", "Three.", "Four."), "two or three hints"),
        (("Divide with `//`.", "Take the square."), "the first hint of '00-tokens' holds code"),
    ],
)
def test_faulty_hints_are_refused(hints: tuple[str, ...] | str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(EXERCISES["00-tokens"], hints=hints)


# ---------------------------------------------------------------- how they are shown


@pytest.mark.parametrize("exercise", EVERY)
def test_live_each_press_opens_one_and_the_solution_is_last(exercise: Exercise) -> None:
    place, solution = solution_of(exercise.name)
    box = live(exercise.hints, place, solution)
    button, view, _ = box.children
    assert BOX in box._dom_classes, "JupyterLab would take its keys"
    assert view.value == ""
    for k, hint in enumerate(exercise.hints, start=1):
        assert button.description == f"Hint {k} of {len(exercise.hints)}"
        button.click()
        assert as_html(hint) in view.value
        assert not any(as_html(later) in view.value for later in exercise.hints[k:])
        assert place not in view.value, "the solution is opened by a press of its own"
    assert button.description == "Show the solution"
    button.click()
    shown = view.value.replace("&gt;", ">").replace("&lt;", "<").replace("&quot;", '"').replace("&amp;", "&")
    assert f"<pre>{solution}</pre>".replace("&#x27;", "'") in shown.replace("&#x27;", "'")
    assert place in view.value
    button.click()
    assert (view.value, button.description) == ("", f"Hint 1 of {len(exercise.hints)}")


@pytest.mark.parametrize("exercise", EVERY)
def test_folded_each_hint_lies_inside_the_one_before(exercise: Exercise) -> None:
    place, solution = solution_of(exercise.name)
    html = markdown_to_html(folded(exercise.hints, place))
    assert html.count("<details>") == html.count("</details>") == len(exercise.hints)
    texts = Folded(html).texts
    for k in range(len(exercise.hints)):
        assert (k, f"Hint {k + 1} of {len(exercise.hints)}") in texts, "its line shows once the one before is open"
        inside = "".join("".join(text.split()) for depth, text in texts if depth == k + 1)
        assert re.sub(r"[`\s]", "", exercise.hints[k]) in inside
    assert (len(exercise.hints), place) in texts
    assert solution not in html


def test_without_a_person_the_hints_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, module = [], sys.modules["labkit.lesson.hints"]  # the package has the function under this name
    monkeypatch.setattr(module, "display", shown.append)
    shown_hints("01-cut")
    assert shown[0].data == folded(EXERCISES["01-cut"].hints, "notebooks/solved/01_an_image_is_a_sequence.ipynb")
    monkeypatch.setattr(module, "somebody_is_there", lambda: True)
    shown_hints("01-cut")
    assert shown[1].children[0].description == "Hint 1 of 3"
    with pytest.raises(ValueError, match="there is no exercise '99-none'"):
        shown_hints("99-none")


def test_code_in_a_hint_is_text() -> None:
    assert as_html("If `a < b`, & so on.") == "If <code>a &lt; b</code>, &amp; so on."


# ---------------------------------------------------------------- the order of a lesson


def steps(cells: list) -> list[tuple[str, str]]:
    """What a lesson asks, in its order: ("worked", ""), ("hints", name), ("exercise", function), ("check", name)."""
    found = []
    for cell in cells:
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", [])
        if "worked" in tags:
            found.append(("worked", ""))
        if shown := re.match(r'hints\("([^"]+)"\)', cell.source):
            found.append(("hints", shown[1]))
        if "exercise" in tags and (asked := re.match(r"(?:def|class) (\w+)", cell.source)):
            found.append(("exercise", asked[1]))
        found += [("check", name) for name in CHECK.findall(cell.source)]
    return found


def faults(found: list[tuple[str, str]]) -> list[str]:
    """What is wrong with the order of a lesson's steps, in words."""
    kinds = [kind if kind != "check" else EXERCISES[name].reach for kind, name in found]
    order = [kinds.index(kind) if kind in kinds else None for kind in ("worked", "near", "far")]
    wrong = []
    if None in order or order != sorted(order):
        wrong.append("not worked, near, far")
    if "exercise" in kinds and order[0] is not None and kinds.index("exercise") < order[0]:
        wrong.append("an exercise before anything was shown")
    waiting = 0
    for (kind, name), (_, next_name) in zip(found, [*found[1:], ("", "")], strict=True):
        waiting = waiting + 1 if kind == "exercise" else 0 if kind == "check" else waiting
        if waiting > 2:
            wrong.append(f"{name}: more than two exercises before an answer to them")
        if kind == "hints" and ("check", name) not in found:
            wrong.append(f"hints for {name}, which is not asked")
        if kind == "hints" and not next_name.startswith("my_"):
            wrong.append(f"the hints for {name} do not stand before its exercise")
    hinted = [name for kind, name in found if kind == "hints"]
    return wrong + [f"{name} has no hints cell" for kind, name in found if kind == "check" and name not in hinted]


@pytest.mark.parametrize("stem", STEMS)
def test_worked_then_near_then_far_each_with_hints_and_an_answer(stem: str) -> None:
    source = next(path for path in SOURCES if path.stem == stem)
    assert faults(steps(jupytext.read(source).cells)) == []


GOOD = [
    ("worked", ""),
    ("hints", "00-tokens"),
    ("exercise", "my_tokens"),
    ("check", "00-tokens"),
    ("hints", "00-finest"),
    ("exercise", "my_finest"),
    ("check", "00-finest"),
]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ((1, 2, 3, 4, 5, 6), "not worked, near, far"),
        ((1, 2, 3, 0, 4, 5, 6), "an exercise before anything was shown"),
        ((0, 4, 5, 6, 1, 2, 3), "not worked, near, far"),
        ((0, 1, 2, 3), "not worked, near, far"),
        ((0, 2, 3, 4, 5, 6), "00-tokens has no hints cell"),
        ((0, 1, 2, 2, 2, 3, 4, 5, 6), "more than two exercises"),
        ((0, 2, 1, 3, 4, 5, 6), "do not stand before its exercise"),
    ],
)
def test_a_lesson_out_of_order_is_found(order: tuple[int, ...], words: str) -> None:
    assert faults(GOOD) == []
    assert words in "; ".join(faults([GOOD[k] for k in order]))
