"""The Chromium of this machine, started so that it asks nobody but 127.0.0.1."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # every other name is unknown, whoever asks
)


def find() -> str | None:
    """Where a Chromium or a Chrome lies, or None: nothing is fetched."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    return next(iter([*found, *(path for path in ELSEWHERE if Path(path).exists())]), None)


@contextmanager
def running() -> Iterator[Browser]:
    """A headless browser with an empty profile of its own; FileNotFoundError where there is none."""
    path = find()
    if path is None:
        raise FileNotFoundError("there is no Chromium and no Chrome on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), timeout=120_000)
        yield browser
        browser.close()
