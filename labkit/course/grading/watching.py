"""Running one program in the sandbox and watching it: time, memory, processes, output. What goes too far is ended, with
all that it has started."""

import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from labkit.course.children import end_tree
from labkit.course.grading.sandbox import Limits

LONGEST_REPLY = 8_000_000  # bytes
START = 300  # seconds that the sandbox and the imports of an exercise's inputs may take, before any student's code runs
PAUSE = 0.05  # seconds between two looks


@dataclass(frozen=True)
class Ended:
    """How a program ended: `how` is "ended", or the limit that it went past. `lines` is what it replied, line by line;
    `noise` the end of what it printed; `seconds` from the first line on."""

    how: str
    code: int | None
    lines: list[bytes]
    noise: str
    seconds: float


class Watch:
    """One program on its way."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, stop: threading.Event) -> None:
        self.process, self.limits, self.stop = process, limits, stop
        self.reply, self.noise = bytearray(), bytearray()
        self.printed = 0
        self.begun = time.monotonic()
        self.looked = 0.0  # when its size was looked at last
        self.ready: float | None = None  # when the first line was there

    def until_end(self) -> Ended:
        """Wait for its end, or end it."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ, self._replied)
            selector.register(self.process.stderr, selectors.EVENT_READ, self._said)
            how = ""
            while not how and selector.get_map():
                for key, _ in selector.select(PAUSE):
                    part = os.read(key.fd, 1 << 16)
                    key.data(part)
                    if not part:
                        selector.unregister(key.fileobj)
                how = self._too_far()
            while not how and self.process.poll() is None:  # it has closed its outputs and runs on
                time.sleep(PAUSE)
                how = self._too_far()
        _end(self.process)
        seconds = time.monotonic() - (self.ready or self.begun)
        said = self.noise.decode(errors="replace")
        return Ended(how or "ended", self.process.returncode, bytes(self.reply).splitlines(), said, seconds)

    def _replied(self, part: bytes) -> None:
        self.reply += part
        if self.ready is None and b"\n" in part:
            self.ready = time.monotonic()

    def _said(self, part: bytes) -> None:
        self.printed += len(part)
        self.noise = (self.noise + part)[-2000:]

    def _too_far(self) -> str:
        """The limit that it is past, or ""."""
        now = time.monotonic()
        if self.stop.is_set():
            return "interrupted"
        if now - (self.ready or self.begun) > (self.limits.seconds if self.ready else START):
            return "timed out"
        if self.printed > self.limits.output or len(self.reply) > LONGEST_REPLY:
            return "too much output"
        return self._too_large()

    def _too_large(self) -> str:
        """The same for memory and processes, of it and all below it; not more often than it is worth."""
        if time.monotonic() - self.looked < PAUSE:
            return ""
        self.looked, memory, threads = time.monotonic(), 0, 0
        with suppress(psutil.Error):
            own = psutil.Process(self.process.pid)
            for one in (own, *own.children(recursive=True)):
                with suppress(psutil.Error):
                    memory, threads = memory + one.memory_info().rss, threads + one.num_threads()
        if memory > self.limits.memory * 10**6:
            return "out of memory"
        return "too many processes" if threads > self.limits.processes else ""


def run_watched(
    command: Sequence[str], given: bytes, limits: Limits, stop: threading.Event, *, seccomp: bytes = b""
) -> Ended:
    """Run `command` with `given` on its stdin, and bubblewrap's filter if there is one."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as rules:
        source.write(given)
        source.seek(0)
        rules.write(seccomp)
        rules.seek(0)
        extra = ["--seccomp", str(rules.fileno())] if seccomp else []
        process = subprocess.Popen(
            [command[0], *extra, *command[1:]],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(rules.fileno(),) if seccomp else (),
        )
        with process.stdout, process.stderr:
            try:
                return Watch(process, limits, stop).until_end()
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all below it. Bubblewrap goes first and takes its whole world with it in one stroke, however many
    there are in it; without bubblewrap the tree is walked."""
    if Path(process.args[0]).name == "bwrap":
        process.kill()
    end_tree(process)
