"""The pages of the last re-run in a real browser: light and dark, at the width of a desk and of a phone."""

from pathlib import Path

import pytest
from looking import faults_of, opened, slider_faults
from playwright.sync_api import Browser


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)], ids=["light-desk", "dark-phone"])
def test_a_page_can_be_read(browser: Browser, pages: Path, page_name: str, scheme: str, width: int) -> None:
    page, watch = opened(browser, pages / page_name, scheme=scheme, width=width)
    faults = faults_of(page)
    page.context.close()
    assert faults + watch.faults == []


def test_sliders_of_a_page_move(browser: Browser, pages: Path, page_name: str) -> None:
    page, watch = opened(browser, pages / page_name)
    faults = slider_faults(page)
    count = page.locator(".keys").count()
    page.context.close()
    assert faults + watch.faults == []
    assert count or page_name == "index.html", "each lesson has a slider"


def test_figures_change_with_the_scheme(browser: Browser, pages: Path) -> None:
    name = next(path.name for path in sorted(pages.glob("[0-9]*.html")) if "figures.js" in path.read_text())
    page, watch = opened(browser, pages / name)
    ink = "() => getComputedStyle(document.querySelector('.drawing .xtick text, .drawing .gtitle')).fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"([old]) => document.querySelector('.drawing .main-svg') && ({ink})() !== old", arg=[light])
    page.context.close()
    assert watch.faults == []


def test_lessons_lead_to_each_other(browser: Browser, pages: Path) -> None:
    """From the front page into the first lesson, on to the last, and back, by links alone."""
    names = sorted(path.name for path in pages.glob("[0-9]*.html"))
    page, _ = opened(browser, pages / "index.html")
    page.click(".cards a")
    walked = [Path(page.url).name]
    # The pager stands right before the page's foot: where that is, the pager is complete.
    while page.wait_for_selector(".pager + footer", state="attached") and page.locator(".pager a[rel=next]").count():
        page.locator(".pager a[rel=next]").click(no_wait_after=True)
        page.wait_for_url(f"**/{names[len(walked)]}", wait_until="commit")
        walked.append(Path(page.url).name)
    page.click(".brand", no_wait_after=True)
    page.wait_for_url("**/index.html", wait_until="commit")
    page.context.close()
    assert walked == names
