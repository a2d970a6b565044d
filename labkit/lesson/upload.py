"""A file from the browser to the kernel, in pieces, whatever its size.

ipywidgets' FileUpload sends a file in one message, which the notebook server refuses above ten megabytes, closing the
connection to the kernel. Here upload.js sends a piece at a time and waits for an answer. The file goes to the kernel of
this notebook and nowhere else, and is kept in its memory only.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

BROWSERS_HALF = Path(__file__).parent


class Upload(anywidget.AnyWidget):
    """A control that takes one file: `taken(name, data)` is called with all of it, `back()` when the person wants none
    of their own any more. `words` stand beside it, `state` is "ready", "busy" or "refused", and `own` shows the way
    back. Files of more than `most_bytes` are refused in the browser before anything is sent, and here as well. Used in
    lesson 01."""

    _esm = BROWSERS_HALF / "upload.js"
    _css = BROWSERS_HALF / "upload.css"
    most_bytes = traitlets.Int().tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode("ready").tag(sync=True)
    own = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, taken: Callable[[str, bytes], None], back: Callable[[], None], *, most_bytes: int, words: str
    ) -> None:
        super().__init__(most_bytes=most_bytes, words=words)
        self._taken, self._back = taken, back
        self._upload, self._data = "", bytearray()
        self.on_msg(lambda _, content, buffers: self.receive(content, buffers))

    def receive(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        """One message of the browser: a piece of a file, or the wish to go back."""
        if content.get("kind") == "back":
            self._back()
        elif content.get("kind") == "piece":
            self._piece(buffers[0], **{name: content[name] for name in ("upload", "name", "size", "start")})

    def say(self, words: str, state: str, *, own: bool | None = None) -> None:
        """Show `words`, and whether the control is "ready", "busy" or has "refused"; `own` shows or hides the way
        back."""
        with self.hold_sync():
            if own is not None:
                self.own = own
            self.state, self.words = state, words

    def _piece(self, piece: bytes | memoryview, *, upload: str, name: str, size: int, start: int) -> None:
        """Pieces come in order, each when the one before has been answered; the last is answered before the file is
        looked at, which may take a while."""
        if start == 0:
            self._upload, self._data = upload, bytearray()
        if upload != self._upload or start != len(self._data) or start + len(piece) > min(size, self.most_bytes):
            self.send({"kind": "refused", "upload": upload})
            self.say(f"Not taken: {name} did not arrive as it was announced; choose it once more.", "refused")
            self._upload, self._data = "", bytearray()
            return
        self._data += piece
        self.send({"kind": "next", "upload": upload})
        if len(self._data) == size:
            data, self._upload, self._data = bytes(self._data), "", bytearray()
            self._taken(name, data)
