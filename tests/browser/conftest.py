"""What the browser tests share: one Chromium, the pages of the last re-run, and the lessons that were asked for.

They are not collected with the other tests; `make browser` runs them. Without a Chromium all of them are skipped.
"""

from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which lessons, which pages."""
    parser.addoption("--lessons", default="", help='numbers of lessons, as in "01 05"; all if empty')
    parser.addoption("--site", default=str(ROOT / "site"), help="the folder that a re-run has written")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything, with the reason, where no browser is."""
    if chromium.find():
        return
    skip = pytest.mark.skip(reason="there is no Chromium and no Chrome on this machine")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(skip)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chosen lesson (`stem`) and for each page of the site (`page_name`)."""
    if "stem" in metafunc.fixturenames:
        metafunc.parametrize("stem", chosen(metafunc.config))
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", ["index.html", *(f"{stem}.html" for stem in chosen(metafunc.config))])


def chosen(config: pytest.Config) -> list[str]:
    """Stems of the lessons that were asked for; a number that is no lesson's is an error."""
    stems = sorted(path.stem for path in (ROOT / "notebooks" / "source").glob("*.py"))
    numbers = config.getoption("--lessons").split() or [stem[:2] for stem in stems]
    if unknown := set(numbers) - {stem[:2] for stem in stems}:
        raise pytest.UsageError(f"there is no lesson {', '.join(sorted(unknown))}: nothing of it could be looked at")
    return [stem for stem in stems if stem[:2] in numbers]


def site(config: pytest.Config) -> Path:
    """The folder of the pages."""
    return Path(config.getoption("--site")).resolve()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with chromium.running() as started:
        yield started


@pytest.fixture(scope="session")
def pages(request: pytest.FixtureRequest) -> Path:
    """The folder of the pages; a failure names those that are missing, and says how to make them."""
    folder = site(request.config)
    wanted = ["index.html", *(f"{stem}.html" for stem in chosen(request.config))]
    if missing := [name for name in wanted if not (folder / name).is_file()]:
        pytest.fail(f"there is no {', '.join(missing)} in {folder}: `make rerun` writes the pages")
    return folder
