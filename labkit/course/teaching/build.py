"""`labkit course build`: editions, the instructor's notes, the syllabus and the bundle, into one folder."""

import html
from collections.abc import Callable
from pathlib import Path

from labkit.course.editions import edition_texts
from labkit.course.files import notebooks_folder
from labkit.course.markdown import markdown_to_html
from labkit.course.rerun import silent
from labkit.course.solutions import ALMOST
from labkit.course.source import sources
from labkit.course.structure import check_structure, unique_headings
from labkit.course.teaching.bundle import WHEELS, bundle_files, fetch_wheels, readme
from labkit.course.teaching.lesson import taught
from labkit.course.teaching.notes import notes
from labkit.course.teaching.syllabus import syllabus
from labkit.course.teaching.written import SUMS, refuse_to_overwrite, write_all, write_sums
from labkit.records import REPOSITORY, make_writable

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
pre {{ overflow-x: auto; }} table {{ border-collapse: collapse; }} :root {{ color-scheme: light dark; }}
.anchor-link {{ margin-left: 0.4em; text-decoration: none; opacity: 0; }}
:hover > .anchor-link, .anchor-link:focus {{ opacity: 1; }}
th, td {{ border: 1px solid; padding: 0.2rem 0.6rem; text-align: left; vertical-align: top; }}
</style></head><body><main>
{body}
</main></body></html>
"""


def build_course(
    out: Path,
    *,
    site: Path = Path("site"),
    wheels: bool = False,
    notebooks: Path | None = None,
    repository: Path = REPOSITORY,
    say: Callable[[str], None] = silent,
) -> list[Path]:
    """Write the course into `out` and return what was written, checksums aside. `site` is the folder of the last
    re-run, for the pages and for what came out; `wheels` downloads the packages, which nothing else here does.

    Everything is made before anything is written. ValueError for a folder that cannot be written or holds files that
    somebody changed since they were built, for a source with a fault, for a lesson without questions to discuss, for
    lessons that do not fit into the schedule, and for a solution in a student's edition.
    """
    out, site, folder = Path(out).resolve(), Path(site).resolve(), notebooks_folder(notebooks)
    make_writable(out, lost="the course")
    there = wheels or any((out / "bundle" / WHEELS).glob("*.whl"))
    files = course_files(folder, site, repository, wheels=there, say=say)
    if not (site / "report.json").exists():
        say(f"no re-run in {site}: the bundle gets no pages, and notes cannot say what came out; `labkit rerun` first")
    refuse_to_overwrite(out, files)
    if wheels:
        fetch_wheels(repository / "requirements.lock", out / "bundle" / WHEELS, say)
    say(f"writing {len(files)} files")
    try:
        _write(out, files)
    except OSError as error:
        raise ValueError(
            f"{error.filename or out} cannot be written ({error.strerror}): the course is not whole; "
            "the same command goes on."
        ) from error
    return [out / name for name in files]


def _write(out: Path, files: dict[str, bytes]) -> None:
    write_all(out, files, keep=f"bundle/{WHEELS}")
    bundled = [name.removeprefix("bundle/") for name in files if name.startswith("bundle/")]
    bundled += [f"{WHEELS}{path.name}" for path in (out / "bundle" / WHEELS).glob("*")]
    write_sums(out / "bundle", bundled)
    write_sums(out, {*files, f"bundle/{SUMS}", *(f"bundle/{name}" for name in bundled)})


def course_files(
    folder: Path, site: Path, repository: Path, *, wheels: bool, say: Callable[[str], None] = silent
) -> dict[str, bytes]:
    """All that is built, wheels and checksums aside: content by path."""
    say("editions")
    editions = {path.relative_to(folder).as_posix(): text for path, text in edition_texts(folder)}
    texts = {name if name.startswith("solved/") else f"student/{name}": text for name, text in editions.items()}
    no_solution({name: text for name, text in texts.items() if name.startswith("student/")})
    lessons = []
    for path in sources(folder):
        say(f"notes on {path.stem}")
        lessons.append(taught(path, site))
        texts |= _both(f"instructor/{path.stem}", notes(lessons[-1]))
    say("syllabus and bundle")
    texts |= _both("syllabus", syllabus(lessons))
    stems = [one.lesson.stem for one in lessons]
    texts["bundle/README.md"] = readme(site, stems, wheels=wheels)
    files = {name: text.encode() for name, text in texts.items()}
    return files | {f"bundle/{name}": content for name, content in bundle_files(repository, folder, editions, site)}


def no_solution(student: dict[str, str]) -> None:
    """ValueError if a student's edition holds a mark of a solution."""
    if found := [name for name, text in student.items() if ALMOST.search(text)]:
        raise ValueError(f"{', '.join(found)} holds a mark of a solution: students would be handed it.")


def page(markdown: str) -> str:
    """A Markdown text whose first line is its title as a web page that needs nothing else."""
    title = markdown.splitlines()[0].removeprefix("# ")
    body = unique_headings(markdown_to_html(markdown)).replace("<th>", '<th scope="col">')
    whole = PAGE.format(title=html.escape(title), body=body)
    check_structure(whole)
    return whole


def _both(name: str, markdown: str) -> dict[str, str]:
    return {f"{name}.md": markdown, f"{name}.html": page(markdown)}
