"""A slider over figures of one picture, which may be a picture of one's own.

In JupyterLab a control above the slider takes a file, and the figures are made anew from it; the slider stays where it
is, and one click leads back to the lesson's picture. What cannot be taken is said, and the figure stays. Without a
kernel the figures are those of the lesson's picture.
"""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import Markdown, display

from labkit.data.own import MOST_BYTES, OwnPicture, own_picture
from labkit.data.photos import Photo
from labkit.lesson.keys import with_own_keys
from labkit.lesson.show import somebody_is_there
from labkit.lesson.sliders import Slider, Value
from labkit.lesson.upload import Upload

Tell = Callable[[float, str], None]
RULE = (
    f"PNG, JPEG or WebP, up to {MOST_BYTES // 2**20} MiB; it may be dropped here, too. The centre square is shown. The "
    "picture goes to the kernel that runs this notebook and nowhere else, and is not stored."
)
ELSEWHERE = "*In JupyterLab you can put a picture of your own in this place.*"


class PictureSlider:
    """One control, `name`, over `values`, that changes one figure of a picture: at first of `photograph`, later perhaps
    of one's own. `figures_of(picture, tell)` gives the function from value to figure, as a Slider takes it; work that
    takes more than a moment calls tell(fraction done, what is being done). Used in lessons 01, 02 and 10."""

    def __init__(
        self,
        name: str,
        values: Sequence[Value],
        figures_of: Callable[[Photo, Tell], Callable[[Any], go.Figure]],
        *,
        photograph: Photo,
        start: Value | None = None,
    ) -> None:
        self._figures_of = figures_of
        self._first = figures_of(photograph, lambda fraction, doing: None)
        self.photograph, self.shown = photograph, photograph
        self.slider = Slider(name, values, self._first, start=start)
        self.upload = Upload(self._take, self._go_back, most_bytes=MOST_BYTES, words=RULE)

    def show(self) -> None:
        """Show control and slider where a person can use them, else the slider of the lesson's picture."""
        if somebody_is_there():
            display(self.live())
            return
        self.slider.show()
        display(Markdown(ELSEWHERE))

    def live(self) -> widgets.VBox:
        """The control for a picture above the live slider."""
        return with_own_keys([self.upload, self.slider.live()])

    def _take(self, name: str, data: bytes) -> None:
        """Show the picture in the file `name`, or say why not and leave the figure as it is."""
        self._change(f"Reading {name} …", lambda: own_picture(data, name=name))

    def _go_back(self) -> None:
        self._change("Going back …", lambda: self.photograph)

    def _change(self, doing: str, find: Callable[[], Photo]) -> None:
        """Renew the slider with the picture that `find` gives; whatever goes wrong, slider and words agree."""
        self.upload.say(doing, "busy")
        try:
            picture = find()
            figure_for = self._first if picture is self.photograph else self._figures_of(picture, self._tell)
            self.slider.renew(figure_for)
        except ValueError as error:
            self._refuse(f"{error}.")
        except KeyboardInterrupt:
            self._refuse("you stopped it.")
        except Exception as error:
            self._refuse(f"{type(error).__name__}: {error}.")
            raise
        else:
            self.shown = picture
            self.upload.say(_about(picture), "ready", own=isinstance(picture, OwnPicture))

    def _tell(self, fraction: float, doing: str) -> None:
        words = f"Working on your picture: {100 * fraction:.0f} % ({doing}). Interrupt the kernel (■) to stop it."
        self.upload.say(words, "busy")

    def _refuse(self, why: str) -> None:
        shown = self.shown.title if isinstance(self.shown, OwnPicture) else "the lesson's picture"
        self.upload.say(f"Not taken: {why} The figure still shows {shown}.", "refused")


def _about(picture: Photo) -> str:
    if not isinstance(picture, OwnPicture):
        return RULE
    height, width = picture.pixels.shape[:2]
    done = "".join(f"; {note}" for note in picture.notes)
    return f"The figure shows {picture.title}, the centre square of {width:,} × {height:,} pixels{done}."
