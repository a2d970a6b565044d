"""Predictions: covered until a choice is made, the answer drawn in, choices kept on this machine and never lost."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import jupytext
import plotly.graph_objects as go
import pytest
from lesson_cells import SOURCES

from labkit.figures.answers import Said, outcome_figure, with_answer
from labkit.figures.style import INK
from labkit.lesson import choices, covers, predictions, so_far
from labkit.lesson.plot import Plot
from labkit.lesson.predictions import Prediction, forget_predictions, predict
from labkit.lesson.questions import QUESTIONS, Misconception, Question
from labkit.lesson.show import table_text
from labkit.lesson.status import Status

VALUES = {"small": 4, "steps": 150, "seeds": 3, "tokens": "784", "tile": "64", "sizes": "16, 8, 4"}
FIGURE = outcome_figure({"losses": (["p = 16", "p = 8"], [2.0, 1.0])}, x="patch size", y="loss", title="Losses")
SAID = {letter: Said(f"answer {letter}", ["p = 16", "p = 8"], [2.0, k]) for k, letter in enumerate("abcd")}


def values_of(name: str) -> dict[str, Any]:
    """Values for the places of a question."""
    return {one: value for one, value in VALUES.items() if f"{{{one}}}" in QUESTIONS[name].text}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of choices of the test's own."""
    monkeypatch.setattr(choices, "FILE", tmp_path / "my_predictions.json")
    return choices.FILE


@pytest.fixture
def live(store: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Somebody is at the screen; gives what cells display: covers too."""
    shown: list[Any] = []
    monkeypatch.setattr(predictions, "somebody_is_there", lambda: True)
    monkeypatch.setattr(so_far, "somebody_is_there", lambda: True)
    for module in (predictions, covers, so_far):
        monkeypatch.setattr(module, "display", lambda *things, **_: shown.extend(things))
    monkeypatch.setattr(predictions, "_ASKED", {})
    return shown


@pytest.fixture
def headless(store: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[go.Figure]]:
    """Nobody is there; gives the words and the figures that cells show."""
    words: list[str] = []
    figures: list[go.Figure] = []
    monkeypatch.setattr(predictions, "display", lambda text: words.append(text.data))
    monkeypatch.setattr(predictions, "show", figures.append)
    return words, figures


def buttons(box: widgets.VBox) -> dict[str, widgets.Button]:
    found = [w for row in box.children if isinstance(row, widgets.HBox) for w in row.children]
    return {one.description: one for one in found if isinstance(one, widgets.Button)}


def status(box: widgets.VBox) -> str:
    return next(w.value for row in box.children[-2:-1] for w in row.children if isinstance(w, Status))


def covers_of(shown: list[Any]) -> list[tuple[Plot | None, Status]]:
    """What stands under each reveal: its figure, if one is to be seen, and its words."""
    boxes = [one.children for one in shown if isinstance(one, widgets.VBox) and isinstance(one.children[-1], Status)]
    return [(figure.children[0] if figure.children else None, words) for figure, words in boxes]


def covered(shown: list[Any]) -> bool:
    """Whether the only reveal shows no figure, and says what to do and nothing else."""
    ((figure, words),) = covers_of(shown)
    return figure is None and re.fullmatch("<p><strong>Covered.</strong> Choose [^|]*</p>\n", words.value) is not None


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_every_choice_is_answered_and_wrong_ones_by_their_misconception(name: str) -> None:
    question = QUESTIONS[name]
    names = [misconception.name for misconception in question.why_not.values()]
    assert len(set(names)) == len(names)
    assert all(2 <= len(one.split()) <= 9 for one in names), "a name is a few words"
    prediction = Prediction(name, question.text.format(**VALUES), recorded=True)
    for choice in question.options:
        prediction.choose(choice)
        for truth in question.options:
            text = prediction.verdict(truth, "EVIDENCE")
            assert "EVIDENCE" in text
            assert question.options[choice] in text
            assert text.startswith("✓" if choice == truth else "✗")
            if choice != truth and choice in question.why_not:
                assert question.why_not[choice].name in text
                assert question.why_not[choice].thought in text


def test_questions_that_could_not_be_answered_are_refused() -> None:
    thoughts = {"a": Misconception("one", "A thought.")}
    with pytest.raises(ValueError, match="z of 'Which\\?' is not among the answers"):
        Question("Which?", {"a": "this", "b": "that"}, thoughts, recorded="z")
    with pytest.raises(ValueError, match="b, c of 'Which\\?' have no misconception"):
        Question("Which?", {"a": "this", "b": "that", "c": "both"}, thoughts, recorded="a")
    with pytest.raises(ValueError, match="choice 'z' of '00-predict' is not among the answers a, b, c, d"):
        Prediction("00-predict", "?", recorded=True).choose("z")
    with pytest.raises(ValueError, match="there is no question '99-x'"):
        predict("99-x")


def reveals(stem: str) -> tuple[str, list[tuple[str, bool]]]:
    """The code of a lesson; and each cell that reveals, with whether it is folded."""
    cells = jupytext.read(next(path for path in SOURCES if path.stem == stem)).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    found = [(one.source, "collapse" in one.metadata.get("tags", [])) for one in code if ".reveal(" in one.source]
    return "\n".join(cell.source for cell in code), found


@pytest.mark.parametrize("stem", [path.stem for path in SOURCES])
def test_each_lesson_asks_covers_a_figure_and_folds_the_answer(stem: str) -> None:
    code, found = reveals(stem)
    asked = re.findall(r'predict\(\s*"([^"]+)"', code)
    assert set(asked) == {name for name in QUESTIONS if name.startswith(stem[:2])}
    assert len(found) == len(asked)
    shown = [source for source, folded in found if folded]
    assert any("Said(" in source or "answers_from(" in source for source in shown), "no figure waits for a choice"
    assert "my_choice" not in code


# ---------------------------------------------------------------- without anybody


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_runs_without_a_person_take_the_recorded_choice_and_store_nothing(
    name: str, headless: tuple[list[str], list[go.Figure]], store: Path
) -> None:
    words, figures = headless
    prediction = predict(name, **values_of(name))
    question = QUESTIONS[name]
    assert all(f"**{letter}**: {text}" in words[-1] for letter, text in question.options.items())
    assert f"**{question.recorded}**" in words[-1]
    said = {letter: Said(text, ["p = 8"], [1.0]) for letter, text in question.options.items()}
    prediction.reveal(question.recorded, "EVIDENCE", FIGURE, said)
    assert "EVIDENCE" in words[-1]
    assert f"the recorded answer: {question.options[question.recorded]}" in figures[0].layout.meta["says"]
    assert not store.exists()


def test_reveal_refuses_what_it_could_not_draw(headless: tuple[list[str], list[go.Figure]]) -> None:
    prediction = predict("00-predict")
    with pytest.raises(ValueError, match="'e' came out of '00-predict', but the answers are a, b, c, d"):
        prediction.reveal("e", "evidence")
    with pytest.raises(ValueError, match="not both"):
        prediction.reveal("c", "evidence", FIGURE)
    with pytest.raises(ValueError, match="nothing to draw for d"):
        prediction.reveal("c", "evidence", FIGURE, {letter: SAID[letter] for letter in "abc"})


# ---------------------------------------------------------------- with a person


def test_covered_until_a_button_is_pressed_and_again_after_choose_again(live: list[Any], store: Path) -> None:
    prediction = predict("00-predict")
    box = live[-1]
    assert [row.children[1].value for row in box.children[:4]] == list(QUESTIONS["00-predict"].options.values())
    prediction.reveal("c", "EVIDENCE", FIGURE, SAID)
    assert covered(live)
    assert not store.exists()

    buttons(box)["b"].click()
    ((figure, words),) = covers_of(live)
    assert figure.figure["data"][-1]["name"] == "your answer: answer b"
    assert "answer b" in words.value, "the picture's words say what was drawn in"
    assert "counts tokens, not pairs" in words.value
    assert "You said <b>b</b>" in status(box)
    assert [button.disabled for button in list(buttons(box).values())[:4]] == [True, False, True, True]
    entry = json.loads(store.read_text())["00-predict"]
    assert (entry["choice"], entry["came_out"], entry["asked"]) == ("b", "c", QUESTIONS["00-predict"].text)

    buttons(box)["choose again"].click()
    assert covered(live)
    assert "00-predict" not in json.loads(store.read_text())
    buttons(box)["c"].click()
    assert "✓" in words.value
    assert json.loads(store.read_text())["00-predict"]["choice"] == "c"


def test_a_choice_made_before_counts_for_the_same_question_only(live: list[Any]) -> None:
    predict("05-predict", small=4, steps=150, seeds=3)
    buttons(live[-1])["a"].click()
    again = predict("05-predict", small=4, steps=150, seeds=3)
    assert again.choice == "a"
    assert "from before" in status(live[-1])
    again.reveal("c", "EVIDENCE", FIGURE, SAID)
    assert not covered(live)
    assert predict("05-predict", small=2, steps=150, seeds=3).choice is None
    assert "from before" not in status(live[-1])


def test_asked_again_the_buttons_still_uncover_what_waits(live: list[Any]) -> None:
    prediction = predict("00-predict")
    prediction.reveal("c", "EVIDENCE", FIGURE, SAID, also=[table_text(["p"], [["TABLE"]])])
    predict("00-predict")
    assert covered(live)
    buttons(live[-1])["b"].click()
    assert not covered(live)
    ((_, words),) = covers_of(live)
    assert "<td>TABLE</td>" in words.value
    predict("00-predict")
    buttons(live[-1])["choose again"].click()
    assert covered(live), "with all that was shown beside it"


def test_a_reveal_that_runs_again_takes_the_place_of_the_one_before(live: list[Any]) -> None:
    prediction = predict("00-predict")
    box = live[-1]
    for evidence in ("OLD", "NEW"):
        prediction.reveal("c", evidence, FIGURE, SAID)
    buttons(box)["c"].click()
    (old, old_words), (new, new_words) = covers_of(live)
    assert (old is None, new is None) == (True, False)
    assert "NEW" in new_words.value
    assert "OLD" not in old_words.value + new_words.value


def test_another_question_of_the_same_name_does_not_uncover_the_old_answer(live: list[Any]) -> None:
    predict("05-predict", small=4, steps=150, seeds=3).reveal("c", "EVIDENCE", FIGURE, SAID)
    predict("05-predict", small=2, steps=150, seeds=3)
    buttons(live[-1])["a"].click()
    assert covered(live)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"small": 4, "steps": 150}, "asked with small=4, steps=150, but takes small, steps, seeds: seeds would stay"),
        ({"small": 4, "steps": 150, "seeds": 3, "seed": 1}, "seed would be dropped"),
        ({}, "asked with nothing, .* small would stay open and steps would stay open and seeds would stay open"),
    ],
)
def test_values_that_a_question_lacks_or_does_not_take(values: dict[str, int], words: str, live: list[Any]) -> None:
    with pytest.raises(ValueError, match=words):
        predict("05-predict", **values)
    with pytest.raises(ValueError, match="but takes no values: small would be dropped"):
        predict("00-predict", small=4)
    assert live == []


def test_words_stand_in_html_as_they_are(live: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(
        "Is p < N?", {"a": "p < N & so on", "b": "<img src=x>"}, {"b": Misconception("o", "T.")}, recorded="a"
    )
    monkeypatch.setitem(QUESTIONS, "00-html", question)
    monkeypatch.setattr(choices, "note", lambda *_, **__: "<b>no</b> & no")
    predict("00-html")
    box = live[-1]
    assert [row.children[1].value for row in box.children[:2]] == ["p &lt; N &amp; so on", "&lt;img src=x&gt;"]
    buttons(box)["b"].click()
    assert "&lt;b&gt;no&lt;/b&gt; &amp; no" in status(box)


def test_what_is_said_changes_inside_one_element(live: list[Any]) -> None:
    """A screen reader tells of changes inside an element that is there; one that is replaced may go unsaid."""
    predict("00-predict")
    box = live[-1]
    (said,) = [w for row in box.children for w in getattr(row, "children", ()) if isinstance(w, Status)]
    buttons(box)["b"].click()
    assert said in box.children[-2].children
    assert "<b>b</b>" in said.value
    assert "role" not in said.value, "the role belongs to the element around it, which stays"
    script = said._esm
    assert script.count('setAttribute("role", "status")') == 1
    assert script.index("setAttribute") < script.index("innerHTML"), "made once, before anything is said"
    assert script.count('setAttribute("aria-atomic", "false")') == 1, "else each change has all of it read out again"


def test_an_error_while_revealing_reaches_whoever_chose(live: list[Any]) -> None:
    prediction = predict("00-predict")
    prediction.reveal("c", "EVIDENCE", FIGURE, {**SAID, "b": Said("elsewhere", [1], [1], axes=("x7", "y7"))})
    with pytest.raises(ValueError, match=r"the figure has .*only"):
        prediction.choose("b")


# ---------------------------------------------------------------- the store


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"00-predict": "b"}', '{"00-predict": {"choice": 1, "asked": ""}}', "\x00", "[" * 100_000],
    ids=["cut off", "a list", "no entry", "a number", "no text", "nested without end"],
)
def test_a_damaged_store_is_kept_and_said(damage: str, live: list[Any], store: Path) -> None:
    store.write_text(damage)
    store.with_name("my_predictions.damaged-1.json").write_text("an older one")
    predict("00-predict")
    assert "was damaged: it is kept as my_predictions.damaged-2.json" in status(live[-1])
    buttons(live[-1])["b"].click()
    assert store.with_name("my_predictions.damaged-2.json").read_text() == damage
    assert store.with_name("my_predictions.damaged-1.json").read_text() == "an older one"
    assert json.loads(store.read_text())["00-predict"]["choice"] == "b"


def test_where_nothing_can_be_written_the_choice_still_counts(
    live: list[Any], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(choices, "write_json", full)
    prediction = predict("00-predict")
    buttons(live[-1])["b"].click()
    assert prediction.choice == "b"
    assert "not stored" in status(live[-1])
    assert "No space left" in status(live[-1])


def test_a_damaged_store_that_cannot_be_put_aside_is_not_written_over(
    live: list[Any], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(*_: object) -> None:
        raise OSError(13, "Permission denied")

    store.write_text("{ precious")
    monkeypatch.setattr(Path, "rename", stuck)
    predict("00-predict")
    buttons(live[-1])["b"].click()
    assert store.read_text() == "{ precious"
    assert "not stored" in status(live[-1])


def test_forgetting_and_summing_up(live: list[Any], store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    so_far.predictions_so_far()
    assert "No predictions are stored" in live[-1].data
    tables: list[Any] = []
    monkeypatch.setattr(so_far, "table", lambda *parts: tables.append(parts))
    for name, choice, truth in (("05-other", "a", None), ("00-predict", "b", "c"), ("01-order", "a", "a")):
        prediction = predict(name, **values_of(name))
        buttons(live[-1])[choice].click()
        if truth:
            prediction.reveal(truth, "evidence")
    choices.note("99-gone", choice="a", asked="A question of an older course?")
    so_far.predictions_so_far()
    _, rows = tables[0]
    assert [row[0] for row in rows] == ["00", "01", "05"], "in the order of the lessons"
    assert rows[0][2:] == ("fourfold", "sixteenfold", "counts tokens, not pairs")
    assert rows[1][2:] == ("stays the same", "stays the same", "")
    assert rows[2][3:] == ("not seen yet", "")
    assert "1 of 2 predictions came out" in live[-1].data
    store.with_name("my_predictions.damaged-1.json").write_text("an older one")
    forget_predictions()
    assert "Forgotten: 4 choices, and 1 damaged file. " in live[-1].data
    assert [path.name for path in store.parent.iterdir() if path.suffix == ".json"] == []
    forget_predictions()
    assert "Forgotten: 0 choices. " in live[-1].data


def test_a_table_of_what_was_said_holds_no_html_of_a_file(live: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    choices.note("00-predict", choice="b", asked="<img src=x onerror=alert(1)> & more?")
    tables: list[Any] = []
    monkeypatch.setattr(so_far, "table", lambda *parts: tables.append(parts))
    so_far.predictions_so_far()
    assert tables[0][1][0][1] == "&lt;img src=x onerror=alert(1)&gt; &amp; more?"


def written_at_once() -> int:
    """How many of 3 x 30 choices are stored, by three writers at the same time. A lock file that is opened thrice keeps
    threads apart as it does processes, and they start at once."""

    def write(writer: int) -> None:
        for k in range(30):
            assert choices.note(f"{writer}-{k}", choice="a", asked="?") == ""

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(write, writer) for writer in range(3)]:
            done.result()
    return len(choices.choices()[0])


def test_kernels_that_write_at_the_same_time_lose_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written_at_once() == 90
    store.unlink()
    monkeypatch.setattr(choices, "locked", lambda *_, **__: nullcontext())
    assert written_at_once() < 90, "without taking turns some are lost, so this test can fail"


def test_a_folder_that_takes_no_lock_file_is_no_obstacle(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(choices, "locked", refused)
    assert choices.note("00-predict", choice="b", asked="?") == ""
    assert choices.choices()[0].keys() == {"00-predict"}


def test_git_never_sees_the_store() -> None:
    ignored = (SOURCES[0].parents[2] / ".gitignore").read_text().splitlines()
    assert {"/notebooks/my_predictions*.json", "/notebooks/.my_predictions.lock"} <= set(ignored)
    assert choices.FILE.relative_to(SOURCES[0].parents[2]) == Path("notebooks/my_predictions.json")


# ---------------------------------------------------------------- answers in figures


def test_the_answer_is_drawn_dashed_named_and_in_words() -> None:
    drawn = with_answer(FIGURE, SAID["c"])
    trace, label = drawn.data[-1], drawn.layout.annotations[-1]
    assert (trace.line.dash, trace.line.color, list(trace.y)) == ("dash", INK, [2.0, 2])
    assert label.text == "<b>your answer</b>:<br>answer c"
    assert (label.x, label.y) == ("p = 8", 2)
    assert drawn.layout.meta["says"].endswith("Drawn in, dashed with open stars, your answer: answer c.")
    assert len(FIGURE.data) == 1, "the figure itself is left as it was"
    assert not FIGURE.layout.annotations


def test_labels_stand_at_logarithms_and_axes_reach_the_answer() -> None:
    figure = outcome_figure({"seconds": ([1, 10], [1.0, 100.0])}, x="tokens", y="seconds", title="Time", log="xy")
    drawn = with_answer(figure, Said("a thousand", [10], [1000.0]))
    assert (drawn.layout.annotations[-1].x, drawn.layout.annotations[-1].y) == (1.0, 3.0)
    figure.update_yaxes(range=[0, 2])
    low, high = with_answer(figure, Said("a thousand", [10], [1000.0])).layout.yaxis.range
    assert low == 0
    assert 3 < high < 3.3
    assert with_answer(figure, Said("ten", [10], [10.0])).layout.yaxis.range == (0, 2)


def test_outcomes_are_told_and_drawn_with_their_intervals() -> None:
    figure = outcome_figure({"loss": ([1, 2], [3.0, 4.0], [2.5, 3.0], [3.1, 6.0])}, x="p", y="loss (nats)", title="L")
    assert figure.layout.meta["says"] == "Loss (nats) over p. loss: 3 at 1, 4 at 2."
    assert list(figure.data[0].error_y.array) == pytest.approx([0.1, 2.0])
    assert list(figure.data[0].error_y.arrayminus) == [0.5, 1.0]


def test_an_answer_without_a_point_is_refused() -> None:
    for x, y in (([], []), ([1, 2], [1])):
        with pytest.raises(ValueError, match="one or more points"):
            Said("nothing", x, y)
