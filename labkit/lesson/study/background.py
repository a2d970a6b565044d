"""Work in a thread of its own, so that a notebook goes on answering, with a way to stop it."""

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Any


class Stopped(Exception):
    """A person has asked for it."""


class Background:
    """One piece of work at a time; `running` while it is on its way."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._asked, self.running = Event(), False

    def start(
        self,
        work: Callable[[Callable[[Any], None]], Any],
        *,
        watch: Callable[[Any], object],
        done: Callable[[Any], object],
        stopped: Callable[[], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Begin `work(tell)`, which calls `tell` again and again with how far it is. `watch` hears that; in the end
        one of the others is called, `done` with what the work gave. All of them run in the thread."""
        assert not self.running
        self._asked.clear()
        self.running = True

        def tell(news: Any) -> None:
            if self._asked.is_set():
                raise Stopped
            watch(news)

        def whole() -> None:
            try:
                ending = partial(done, work(tell))
            except Stopped:
                ending = stopped
            except Exception as error:  # whatever it is, a person waits for a word
                ending = partial(failed, error)
            self.running = False
            try:
                ending()
            except Exception as error:
                failed(error)

        self._thread = Thread(target=whole, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the work to stop; it does when it next tells how far it is."""
        self._asked.set()

    def wait(self, seconds: float) -> None:
        """Until the work has ended, at most so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)
