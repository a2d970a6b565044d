"""A file from the browser to the figure: taken, refused, stopped, and back; slider, figure and words always agree."""

import html
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from lesson_cells import SMALL, code_of
from PIL import Image

from labkit.data.own import MOST_BYTES, OwnPicture
from labkit.data.photos import Photo, photo
from labkit.figures.patches import patch_figure
from labkit.figures.style import png
from labkit.lesson import own
from labkit.lesson.own import RULE, PictureSlider
from labkit.lesson.plot import Plot, as_json
from labkit.lesson.sliders import Slider

LESSONS = ("01_an_image_is_a_sequence", "02_what_a_patch_loses", "10_fifty_thousand_tokens")
PIECE = 1000


def file_of(colour: str, size: tuple[int, int] = (80, 60)) -> bytes:
    """A PNG whose size depends on nothing but noise on one colour."""
    noise = np.random.default_rng(0).integers(0, 40, (size[1], size[0], 3))
    pixels = np.clip(np.array(Image.new("RGB", size, colour)) + noise, 0, 255).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def send(slider: PictureSlider, data: bytes, *, name: str = "cat.png", size: int | None = None) -> list[dict[str, Any]]:
    """What upload.js does: piece after piece, each when the last has been answered. Gives the answers."""
    answers: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slider.upload, "send", lambda content: answers.append(content))
        start = 0
        while True:
            piece = data[start : start + PIECE]
            told = {"kind": "piece", "upload": "1", "name": name, "size": size or len(data), "start": start}
            slider.upload.receive(told, [memoryview(piece)])
            start += PIECE
            if answers[-1]["kind"] != "next" or start >= len(data):
                return answers


def go_back(slider: PictureSlider) -> None:
    slider.upload.receive({"kind": "back"}, [])


def cut(shown: Photo, tell: own.Tell) -> Callable[[int], go.Figure]:
    pixels = shown.square(64)
    return lambda p: patch_figure(pixels, p, window=(0, 0))


def cuts(**changes: Any) -> PictureSlider:
    return PictureSlider(
        **{"name": "p", "values": (16, 8, 4), "figures_of": cut, "photograph": photo("chelsea"), "start": 8} | changes
    )


def seen(view: Plot) -> list[dict[str, Any]]:
    return view.figure["data"]


def agrees(slider: PictureSlider, box: Any) -> bool:
    """Whether figure and words are those of the slider's value for the picture that the control says is shown."""
    control, view, words, *_ = box.children[1].children
    expected = slider._figures_of(slider.shown, lambda fraction, doing: None)(control.value)
    says = expected.layout.meta["says"]
    told = slider.shown.title if slider.upload.own else "lesson"
    named = slider.upload.words == RULE or told in slider.upload.words
    return seen(view) == as_json(expected)["data"] and html.escape(says, quote=False) in words.value and named


@pytest.fixture
def live() -> Iterator[tuple[PictureSlider, Any]]:
    slider = cuts()
    box = slider.live()
    assert agrees(slider, box)
    yield slider, box
    assert agrees(slider, box), "whatever was done, what is seen is what is said"
    assert slider.upload.state != "busy"


def test_a_picture_is_taken_and_the_slider_stays_where_it_is(live: tuple[PictureSlider, Any]):
    slider, box = live
    control, view, *_ = box.children[1].children
    control.value = 4
    data = file_of("navy")
    answers = send(slider, data)
    assert len(answers) == -(-len(data) // PIECE) > 5
    assert {answer["kind"] for answer in answers} == {"next"}
    assert control.value == 4
    assert slider.upload.own
    assert slider.upload.words == "The figure shows cat.png, the centre square of 80 × 60 pixels."
    assert seen(view)[0]["source"] == png(slider.shown.square(64))
    for value in (16, 8, 4):
        control.value = value
        assert agrees(slider, box)


def test_a_second_picture_and_back(live: tuple[PictureSlider, Any]):
    slider, box = live
    control, view, *_ = box.children[1].children
    before = seen(view)
    send(slider, file_of("navy"), name="one.png")
    first = seen(view)
    send(slider, file_of("olive"), name="two.png")
    assert seen(view) not in (before, first)
    assert "two.png" in slider.upload.words
    assert agrees(slider, box)
    control.value = 16
    go_back(slider)
    assert not slider.upload.own
    assert slider.upload.words == RULE
    control.value = 8
    assert seen(view) == before


@pytest.mark.parametrize("after", ["the lesson's picture", "cat.png"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (file_of("navy")[:3000], "Not taken: bad.png begins as a PNG does, but is damaged or breaks off"),
        (b"hello", "Not taken: bad.png is something else"),
        (b"", "Not taken: bad.png is empty"),
    ],
    ids=["damaged", "text", "empty"],
)
def test_what_cannot_be_taken_leaves_the_figure(live: tuple[PictureSlider, Any], data: bytes, words: str, after: str):
    slider, box = live
    if after == "cat.png":
        send(slider, file_of("navy"))
    view = box.children[1].children[1]
    before = seen(view)
    send(slider, data, name="bad.png")
    assert slider.upload.words.startswith(words)
    assert slider.upload.words.endswith(f"The figure still shows {after}.")
    assert slider.upload.state == "refused"
    assert seen(view) == before
    send(slider, file_of("olive"))
    assert slider.upload.state == "ready"


def message(**changes: Any) -> dict[str, Any]:
    return {"kind": "piece", "upload": "1", "name": "cat.png", "size": 3 * PIECE, "start": 0} | changes


@pytest.mark.parametrize(
    "messages",
    [
        [message(start=PIECE)],  # the first piece is missing
        [message(), message(start=2 * PIECE)],  # the second is
        [message(), message(upload="2", start=PIECE)],  # of another file
        [message(size=PIECE - 1)],  # more than was announced
        [message(size=MOST_BYTES + 1), message(size=MOST_BYTES + 1, start=MOST_BYTES)],
    ],
)
def test_pieces_that_do_not_fit_together_are_refused(
    messages: list[dict[str, Any]], live: tuple[PictureSlider, Any], monkeypatch: pytest.MonkeyPatch
):
    slider, _ = live
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(slider.upload, "send", lambda content: answers.append(content))
    for one in messages:
        slider.upload.receive(one, [bytes(PIECE)])
    assert [answer["kind"] for answer in answers] == ["next"] * (len(messages) - 1) + ["refused"]
    assert "did not arrive as it was announced" in slider.upload.words
    assert slider.upload.state == "refused"
    slider.upload.say(RULE, "ready")


def test_a_new_file_takes_the_place_of_one_on_its_way(live: tuple[PictureSlider, Any]):
    slider, _ = live
    slider.upload.receive(message(upload="0"), [bytes(PIECE)])
    send(slider, file_of("navy"))
    assert slider.upload.own


def breaks(error: BaseException, at: str) -> Callable[[Photo, own.Tell], Callable[[int], go.Figure]]:
    """Figures of one's own picture that fail while they are prepared or while one is drawn."""

    def figures_of(shown: Photo, tell: own.Tell) -> Callable[[int], go.Figure]:
        if isinstance(shown, OwnPicture) and at == "prepared":
            tell(0.5, "block 6")
            raise error
        honest = cut(shown, tell)

        def figure_for(p: int) -> go.Figure:
            if isinstance(shown, OwnPicture) and at == "drawn":
                raise error
            return honest(p)

        return figure_for

    return figures_of


@pytest.mark.parametrize("at", ["prepared", "drawn"])
def test_a_stop_by_hand_leaves_the_figure(at: str):
    slider = cuts(figures_of=breaks(KeyboardInterrupt(), at))
    box = slider.live()
    send(slider, file_of("navy"))
    assert slider.upload.words == "Not taken: you stopped it. The figure still shows the lesson's picture."
    assert agrees(slider, box)
    box.children[1].children[0].value = 16
    assert agrees(slider, box)


@pytest.mark.parametrize("at", ["prepared", "drawn"])
def test_an_error_is_said_and_is_not_swallowed(at: str):
    slider = cuts(figures_of=breaks(RuntimeError("broken"), at))
    box = slider.live()
    with pytest.raises(RuntimeError, match="broken"):
        send(slider, file_of("navy"))
    assert slider.upload.words == "Not taken: RuntimeError: broken. The figure still shows the lesson's picture."
    assert agrees(slider, box)


def test_figures_that_do_not_fit_the_view_are_refused():
    def figures_of(shown: Photo, tell: own.Tell) -> Callable[[int], go.Figure]:
        honest = cut(shown, tell)
        more = isinstance(shown, OwnPicture)
        return lambda p: honest(p).add_scatter(y=[1]) if more else honest(p)

    slider = cuts(figures_of=figures_of)
    box = slider.live()
    send(slider, file_of("navy"))
    assert "has other traces or keys" in slider.upload.words
    slider._figures_of = cut
    assert agrees(slider, box)


def test_work_is_told_while_it_goes_on(monkeypatch: pytest.MonkeyPatch):
    told: list[tuple[str, str]] = []

    def figures_of(shown: Photo, tell: own.Tell) -> Callable[[int], go.Figure]:
        for k in (1, 2):
            tell(k / 2, f"block {k}")
        return cut(shown, tell)

    slider = cuts(figures_of=figures_of)
    slider.upload.observe(lambda change: told.append((slider.upload.state, change["new"])), "words")
    slider.live()
    send(slider, file_of("navy"))
    assert [state for state, _ in told] == ["busy", "busy", "busy", "ready"]
    assert told[0][1] == "Reading cat.png …"
    assert told[1][1].startswith("Working on your picture: 50 % (block 1).")


def test_every_view_of_a_slider_is_renewed():
    slider = cuts()
    views = [slider.slider.live() for _ in range(2)]
    views[1].children[0].value = 16
    send(slider, file_of("navy"))
    for box, value in zip(views, (8, 16), strict=True):
        assert seen(box.children[1]) == as_json(cut(slider.shown, lambda *_: None)(value))["data"]


def test_without_a_kernel_the_lessons_picture_is_shown(monkeypatch: pytest.MonkeyPatch):
    shown: list[Any] = []
    monkeypatch.setattr(Slider, "show", lambda slider: shown.append(slider))
    monkeypatch.setattr(own, "display", lambda what: shown.append(what))
    slider = cuts()
    slider.show()
    assert shown[0] is slider.slider
    assert "In JupyterLab" in shown[1].data
    monkeypatch.setattr(own, "somebody_is_there", lambda: True)
    slider.show()
    assert shown[2].children[0] is slider.upload


def test_the_browser_is_told_the_same_limit():
    assert cuts().upload.get_state()["most_bytes"] == MOST_BYTES


# ---------------------------------------------------------------- lessons


def picture_sliders(stem: str, **parameters: Any) -> list[PictureSlider]:
    found: list[PictureSlider] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PictureSlider, "show", lambda slider: found.append(slider))
        patch.setattr(Slider, "show", lambda slider: None)
        text = code_of(stem, **SMALL[stem], **parameters)
        exec(compile(text.split("PictureSlider(")[0] + behind(text), stem, "exec"), {"__name__": stem})
    return found


def behind(text: str) -> str:
    """The statement that shows the slider, whatever stands after it in the lesson left out."""
    rest = text[text.index("PictureSlider(") :]
    return rest[: rest.index(".show()") + len(".show()")] + "\n"


@pytest.mark.parametrize("stem", LESSONS)
def test_each_lesson_takes_a_picture_at_every_value(stem: str):
    (slider,) = picture_sliders(stem)
    box = slider.live()
    control, view, *_ = box.children[1].children
    before = seen(view)
    send(slider, file_of("navy", (300, 200)))
    assert slider.upload.own, slider.upload.words
    assert seen(view) != before
    for value in slider.slider.values:
        control.value = value
        assert agrees(slider, box)
    go_back(slider)
    control.value = slider.slider.start
    assert seen(view) == before


def test_a_path_in_a_lessons_parameters_is_shown(tmp_path: Any):
    path = tmp_path / "cat.png"
    path.write_bytes(file_of("navy"))
    (slider,) = picture_sliders("01_an_image_is_a_sequence", picture=str(path))
    assert slider.photograph.title == "cat.png"
    assert slider.slider.figure(16).data[0].source == png(slider.photograph.square(96))
