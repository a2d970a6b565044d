"""Looking at a page as a reader does: axe's rules, headings, width, words for figures, sliders that move."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ElementHandle, Page
from playwright.sync_api import TimeoutError as TooLong
from watching import Watch

from labkit.course.structure import heading_faults

SLOW = 240_000  # ms: a laptop that is busy with other things
RULES = {"preload": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LOOK = """(plot) => [
    ...[...plot.querySelectorAll('.infolayer, .cartesianlayer')].map((one) => one.innerHTML),
    ...[...plot.querySelectorAll('image')].map((one) => one.getAttribute('href')),
].join('')"""
SAYS = "(plot) => plot.closest('[role=img]').ariaLabel"
DRAWN = "() => [...document.querySelectorAll('.drawing')].every((one) => one.querySelector('.main-svg'))"


def opened(browser: Browser, path: Path, *, scheme: str = "light", width: int = 1280) -> tuple[Page, Watch]:
    """A page in a context of its own, and what it did while it was loaded and its figures were drawn."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(SLOW)
    page = context.new_page()
    watch = Watch(page)
    page.goto(path.as_uri())
    page.wait_for_function(DRAWN)
    return page, watch


def faults_of(page: Page) -> list[str]:
    """What is wrong with what the page shows now."""
    return [*axe_faults(page), *outline_faults(page), *width_faults(page), *alternative_faults(page)]


def axe_faults(page: Page) -> list[str]:
    """The violations that axe finds, each with the first place."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"axe: {one['id']}, {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


def outline_faults(page: Page) -> list[str]:
    """One heading of level 1, and no level left out, in what is shown."""
    return heading_faults(page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map((h) => +h.tagName[1])"))


def width_faults(page: Page) -> list[str]:
    """The page itself does not scroll sideways."""
    wide, window = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    outside = page.evaluate(
        """() => [...document.querySelectorAll('main, main > *, .card, figure, table')]
            .filter((one) => !one.closest('.scroll, .frame, .output_subarea'))
            .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    faults = [f"the page is {wide} pixels wide in a window of {window}"] if wide > window else []
    return faults + [f"stands out of the window: {one}" for one in outside[:3]]


def alternative_faults(page: Page) -> list[str]:
    """Each figure has its words and each is more than a label."""
    words = page.eval_on_selector_all(
        "figure.plot", "all => all.map((one) => one.querySelector('[role=img]')?.ariaLabel || '')"
    )
    return [f"figure {place} says only {said!r}" for place, said in enumerate(words, start=1) if len(said) < 20]


def slider_faults(page: Page, patience: int = 20_000) -> list[str]:
    """Every slider moves from the keyboard to both ends, and each move changes its figure within `patience` ms."""
    faults = []
    for place, keys in enumerate(page.query_selector_all(".keys"), start=1):
        keys.focus()
        _move(page, keys, "Home", patience)
        for _ in range(int(keys.get_attribute("aria-valuemax"))):
            if fault := _move(page, keys, "ArrowRight", patience):
                faults.append(f"slider {place}: {fault}")
    return faults


def _move(page: Page, keys: ElementHandle, key: str, patience: int) -> str | None:
    """What is wrong after one key, or None."""
    plot = keys.evaluate_handle("keys => keys.closest('figure').querySelector('.drawing')")
    before, seen, said = keys.get_attribute("aria-valuetext"), plot.evaluate(LOOK), plot.evaluate(SAYS)
    keys.press(key)
    now = keys.get_attribute("aria-valuetext")
    if now == before:
        return f"it does not move on from {before}"
    try:
        page.wait_for_function(f"([plot, seen]) => ({LOOK})(plot) !== seen", arg=[plot, seen], timeout=patience)
    except TooLong:
        return f"the figure stays the same at {now}"
    return f"its words stay the same at {now}" if plot.evaluate(SAYS) == said else None
