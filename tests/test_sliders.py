"""Every slider of every lesson, over every value: the live figure and the kernel-free frame are the same."""

import copy
import html
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from lesson_cells import SMALL, SOURCES, STEMS, run, run_of
from plotly.offline import get_plotlyjs

from labkit.figures.patches import patch_figure, token_strip
from labkit.lesson.keys import BOX
from labkit.lesson.plot import Plot, as_json
from labkit.lesson.sliders import Slider

FRAMED = ("sliders", "margin", "height", "template", "meta")  # what frames add around the same figure


def framed_state(frames: dict[str, Any], value: Any) -> dict[str, Any]:
    """What plotly's slider shows at `value`: the base figure with that frame's traces and layout over it."""
    state = copy.deepcopy({key: frames[key] for key in ("data", "layout")})
    frame = next(frame for frame in frames["frames"] if frame["name"] == str(value))
    for k, trace in zip(frame["traces"], frame["data"], strict=True):
        state["data"][k] = trace
    state["layout"].update(frame["layout"])
    return state


def differences(slider: Slider) -> list[Any]:
    """The values at which the two lives differ, moving the live control there and back again."""
    control, view, words, _ = slider.live().children
    frames = as_json(slider.frames())
    steps = frames["layout"]["sliders"][0]["steps"]
    assert [step["args"][0][0] for step in steps] == [str(value) for value in slider.values]
    differing = []
    for value in [*slider.values, *reversed(slider.values)]:
        control.value = value
        live, framed = view.figure, framed_state(frames, value)
        assert html.escape(slider.says(value), quote=False) in words.value
        layouts = [{k: v for k, v in one["layout"].items() if k not in FRAMED} for one in (live, framed)]
        if live["data"] != framed["data"] or layouts[0] != layouts[1]:
            differing.append(value)
    return differing


@pytest.mark.parametrize("stem", STEMS)
def test_every_slider_over_every_value(stem: str) -> None:
    sliders = run_of(stem).sliders
    assert sliders, "each lesson has a slider figure"
    for slider in sliders:
        assert differences(slider) == []
        looks = {json.dumps(as_json(slider.figure(value))) for value in slider.values}
        assert len(looks) == len(slider.values), "a value changes nothing"
        words = [slider.says(value) for value in slider.values]
        assert min(map(len, words)) > 40, "no text alternative"
        assert len(set(words)) == len(words), "words that do not follow the slider"


def test_a_run_notes_a_lessons_sliders_and_what_they_show() -> None:
    cells = ["from test_sliders import small_slider", "small_slider().show()"]
    events, (slider,), _ = run(cells, "planted")
    assert slider.name == "n"
    figure, words, folded = events
    assert [frame["name"] for frame in figure.figure["frames"]] == ["1", "2", "3"]
    assert "at 1. two points, joined" in words.words
    assert "**n = 3**" in folded.words


def test_every_lesson_is_tested_small() -> None:
    assert {path.stem for path in SOURCES} == set(SMALL)


def small_slider(**changes: Any) -> Slider:
    def figure_for(n: int) -> go.Figure:
        figure = go.Figure(go.Scatter(x=[0, 1], y=[n, 2 * n]), layout={"title": {"text": f"n = {n}"}})
        return figure.update_layout(meta={"says": "two points, joined"}, **changes.get(str(n), {}))

    return Slider("n", (1, 2, 3), figure_for)


def test_a_frame_that_differs_is_seen() -> None:
    """The comparison itself, on a slider whose frames lie."""
    assert differences(small_slider()) == []
    lying = small_slider()
    honest = lying.frames

    def frames() -> go.Figure:
        figure = honest()
        figure.frames[1].data[0].y = [2, 5]
        return figure

    lying.frames = frames
    assert differences(lying) == [2, 2]


def test_an_error_in_a_callback_is_not_swallowed() -> None:
    def figure_for(n: int) -> go.Figure:
        if n == 3:
            raise RuntimeError("broken at 3")
        return go.Figure(go.Scatter(y=[n]), layout={"meta": {"says": "a point"}})

    control, *_ = Slider("n", (1, 2, 3), figure_for).live().children
    control.value = 2
    with pytest.raises(RuntimeError, match="broken at 3"):
        control.value = 3


def said(*traces: go.Scatter) -> go.Figure:
    return go.Figure(list(traces), layout={"meta": {"says": "words"}})


def test_sliders_refuse_what_frames_cannot_show() -> None:
    with pytest.raises(ValueError, match="cannot start at 9"):
        Slider("n", (1, 2), lambda n: said(), start=9)
    for values in ((), (1, "1")):
        with pytest.raises(ValueError, match="it takes one or more, each written once"):
            Slider("n", values, lambda n: said())

    def one_more(n: int) -> go.Figure:
        return said(*[go.Scatter(y=[1])] * n)

    def one_text(n: int) -> go.Figure:
        return said(go.Scatter(y=[1], text=["a"] if n > 1 else None))

    for uneven in (one_more, one_text):
        with pytest.raises(ValueError, match="other traces or keys"):
            Slider("n", (1, 2), uneven).frames()
    with pytest.raises(ValueError, match="no words in layout"):
        Slider("n", (1, 2), lambda n: go.Figure()).frames()


def test_frames_hold_only_what_changes() -> None:
    frames = as_json(small_slider().frames())
    assert all(set(frame["layout"]) == {"title"} for frame in frames["frames"]), "the words never change here"


@pytest.mark.parametrize("p", [32, 8, 1])
def test_the_strip_shows_the_pixels(p: int) -> None:
    """Not the title but the picture: each cell of the strip holds its patch's own pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, (224, 224, 3)).astype(np.uint8)
    strip = token_strip(pixels, p, row=64, column=32)
    first = min(32 // p, 224 // p - 7)
    for k in range(7):
        cell = strip[:, k * 54 : k * 54 + 48]
        patch = pixels[64 // p * p : 64 // p * p + p, (first + k) * p :][:, :p]
        assert np.array_equal(cell[0, 0], patch[0, 0])
        assert np.array_equal(cell[-1, -1], patch[-1, -1])
        assert {tuple(c) for c in cell.reshape(-1, 3)} == {tuple(c) for c in patch.reshape(-1, 3)}


def test_grid_lines_stand_where_patches_meet() -> None:
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    figure = patch_figure(pixels, 16, window=(32, 0))
    grid = figure.data[1]
    assert sorted({x for x in grid.x if x is not None}) == [0, 16, 32, 48, 64]
    assert figure.layout.xaxis.range == (0, 64)
    assert figure.layout.yaxis.range == (64, 0)
    with pytest.raises(ValueError, match="multiple of patch size"):
        patch_figure(pixels, 24, window=(0, 0))


def live_parts(slider: Slider) -> tuple[Any, Any, Any]:
    control, view, words, _ = slider.live().children
    return control, view, words


def failing_slider(error: BaseException, times: int = 1) -> Slider:
    """Raises at 3, `times` times."""
    left = [error] * times

    def figure_for(n: int) -> go.Figure:
        if n == 3 and left:
            raise left.pop()
        return go.Figure(go.Scatter(y=[n]), layout={"meta": {"says": f"a point at {n}"}, "title": {"text": f"n = {n}"}})

    return Slider("n", (1, 2, 3), figure_for)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("<broken>"), "cannot be shown (RuntimeError: &lt;broken&gt;)"),
        (KeyboardInterrupt(), "was stopped"),
    ],
)
def test_control_and_figure_agree_after_an_error_or_a_stop(error: BaseException, words: str) -> None:
    slider = failing_slider(error)
    control, view, below = live_parts(slider)
    control.value = 2
    with pytest.raises(type(error)):
        control.value = 3
    assert control.value == 2
    assert view.figure["data"][0]["y"] == as_json(slider.figure(2))["data"][0]["y"]
    assert view.figure["layout"]["title"]["text"] == "n = 2"
    assert words in below.value
    assert slider.says(2) in below.value
    control.value = 3  # the second time it works
    assert (view.figure["layout"]["title"]["text"], slider.says(3) in below.value, words in below.value) == (
        "n = 3",
        True,
        False,
    )


def test_an_error_while_drawing_leaves_the_figure_of_the_control(monkeypatch: pytest.MonkeyPatch) -> None:
    slider = small_slider()
    control, view, _ = live_parts(slider)
    drawn, fails = Plot.draw, [True]

    def stopped(view: Plot, figure: go.Figure) -> None:
        drawn(view, figure)
        if fails:
            fails.pop()
            raise KeyboardInterrupt

    monkeypatch.setattr(Plot, "draw", stopped)
    with pytest.raises(KeyboardInterrupt):
        control.value = 3
    assert (control.value, view.figure["layout"]["title"]["text"]) == (1, "n = 1")


def test_what_takes_its_time_says_so_once() -> None:
    seen: list[str] = []

    def figure_for(n: int) -> go.Figure:
        seen.append(below.value if below else "")
        return go.Figure(go.Scatter(y=[n]), layout={"meta": {"says": f"a point at {n}"}})

    below = None
    control, _, below = live_parts(Slider("n", (1, 2), figure_for))
    for value in (2, 1, 2):
        control.value = value
    assert len(seen) == 2, "each figure is computed once"
    assert "n = 2: being computed" in seen[1]
    assert "being computed" not in below.value


def test_the_keys_of_a_live_slider_are_its_own() -> None:
    assert BOX in small_slider().live()._dom_classes


def test_plotly_comes_with_the_first_figure_of_a_kernel_and_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plot, "_sent", False)
    first, second = (Plot(small_slider().figure(1)) for _ in range(2))
    assert first.library == get_plotlyjs()
    assert second.library == ""
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(second, "send", answers.append)
    second._handle_custom_msg({"kind": "library"}, [])
    second._handle_custom_msg({"kind": "something else"}, [])
    assert answers == [{"kind": "library", "text": first.library}]
