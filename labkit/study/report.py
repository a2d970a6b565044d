"""A study's report on one page: the question, what was found, how it was made, what it does not say.

DIR/report.html   stands by itself: no script, nothing from another host, one printed page
DIR/report.md     the same in Markdown, with DIR/figure.svg beside it
DIR/study.toml    the plan; `labkit sweep` trains the same runs from it
"""

from html import escape
from pathlib import Path
from typing import NamedTuple

from labkit import records
from labkit.study.drawing import as_svg
from labkit.study.factors import FACTORS
from labkit.study.file import as_toml
from labkit.study.findings import Findings
from labkit.study.words import answer_in_words, limits, verdict_in_words

PAIRED = (
    "Intervals in the figure and the table are each mean's own. Verdicts compare seed by seed, where what a seed does "
    "to both drops out: intervals may overlap and a difference be shown all the same."
)
HEADER = ("", "test loss (nats)", "95 % interval", "accuracy", "tokens", "FLOPs of a run", "seconds")
STYLE = """
@page { size: A4; margin: 11mm 13mm }
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 54rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .4rem } h2 { font-size: 1rem; margin: .9rem 0 .3rem }
p { margin: .3rem 0 } ul { margin: .2rem 0; padding-left: 1.2rem } svg { width: 100%; max-height: 19rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .1rem .4rem; text-align: right; white-space: nowrap }
th { border-bottom: 1px solid #9aa3ad } th:first-child, td:first-child { text-align: left }
code { font-size: .92em; overflow-wrap: anywhere } .small { font-size: .88rem; color: #444b54 }
@media print {
  body { font-size: 10.5px; line-height: 1.25; margin: 0; max-width: none; padding: 0 }
  h1 { font-size: 1.3rem } h2 { margin: .35rem 0 .1rem } th, td { padding: 0 .4rem } svg { max-height: 58mm }
  ul:last-of-type { columns: 2; column-gap: 2rem }
}
"""


class Report(NamedTuple):
    """The files of a report."""

    html: Path
    markdown: Path
    figure: Path
    plan: Path


class Part(NamedTuple):
    """A heading and what stands under it, one item a line."""

    title: str
    items: list[str]


def write_report(found: Findings, folder: Path) -> Report:
    """Write the report of a study into `folder`, each file whole or not at all. ValueError if nothing has finished: a
    report of nothing would look like a result. Used in lesson 11."""
    if not found.records:
        first = next(iter(found.failed.values()), "none was started")
        raise ValueError(f"no run of this study has finished ({first}): there is nothing to report")
    files = Report(*(Path(folder) / name for name in ("report.html", "report.md", "figure.svg", "study.toml")))
    picture = as_svg(found, says=answer_in_words(found))
    records.write_text(files.figure, picture + "\n")
    records.write_text(files.plan, as_toml(found.study))
    records.write_text(files.markdown, as_markdown(found))
    records.write_text(files.html, as_html(found, picture))
    return files


def as_markdown(found: Findings) -> str:
    """The report as Markdown; its picture is figure.svg."""
    rows = [HEADER, ["---"] + ["--:"] * (len(HEADER) - 1), *_rows(found)]
    table = "\n".join(f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows)
    lists = [f"## {part.title}\n\n" + "\n".join(f"- {_plain(item)}" for item in part.items) for part in _parts(found)]
    head = f"# {_plain(found.study.question)}\n\n**{_plain(answer_in_words(found))}**"
    body = [head, f"![{_plain(answer_in_words(found))}](figure.svg)", table, *lists, f"*{_plain(_source(found))}*"]
    return "\n\n".join(body) + "\n"


def as_html(found: Findings, picture: str) -> str:
    """The report as one page that needs nothing else."""
    cells = ["".join(f"<th>{escape(name)}</th>" for name in HEADER)]
    cells += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in _rows(found)]
    table = f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
    lists = "".join(
        f"<h2>{part.title}</h2><ul>{''.join(f'<li>{escape(item)}</li>' for item in part.items)}</ul>"
        for part in _parts(found)
    )
    title = escape(found.study.question)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n<body><h1>{title}</h1>'
        f"<p><strong>{escape(answer_in_words(found))}</strong></p>\n{picture}\n{table}\n{lists}\n"
        f'<p class="small">{escape(_source(found))}</p></body></html>\n'
    )


def _rows(found: Findings) -> list[list[str]]:
    """One row for each place; a dash where there is nothing."""
    rows = []
    for place in found.places:
        name = f"{place.model}, {place.label}" if place.model else place.label
        if place.mean is None or place.record is None:
            rows.append([name, *["-"] * (len(HEADER) - 1)])
            continue
        bounded = place.mean.low > float("-inf")
        accuracy = sum(place.accuracies.values()) / len(place.accuracies)
        rows.append([
            name, f"{place.mean.mean:.3f}",
            f"{place.mean.low:.3f} to {place.mean.high:.3f}" if bounded else "none",
            f"{accuracy:.3f}", f"{place.record['tokens']:,}", f"{place.record['train_flops']:.2e}",
            f"{place.record['seconds']:.1f}",
        ])  # fmt: skip
    return rows


def _parts(found: Findings) -> list[Part]:
    study = found.study
    settings = ", ".join(f"{name} {value}" for name, value in study.settings().items())
    varied = f"{study.factor} ({FACTORS[study.factor].words}): {', '.join(map(str, study.values))}"
    models = [] if study.factor == "model" else [f"models: {', '.join(study.models)}"]
    made = [
        f"varied: {varied}; the first value is what the others are compared with",
        *models,
        f"the same in all runs: {settings}",
        f"seeds: {', '.join(map(str, study.seeds))}; {len(found.records)} of {len(study.runs())} runs finished",
        *(f"failed: {name}: {error}" for name, error in list(found.failed.items())[:3]),
        "again: labkit sweep study.toml FOLDER",
    ]
    return [
        Part("What the runs show", [*map(verdict_in_words, found.comparisons), PAIRED]),
        Part("How it was made", made),
        Part("What this does not say", limits(found)),
    ]


def _source(found: Findings) -> str:
    """Machine, versions, code and date of the runs."""
    last = max(found.records, key=lambda line: line["time"])
    versions = ", ".join(f"{name} {version}" for name, version in last["versions"].items())
    codes = ", ".join(sorted({line["code"] for line in found.records}))
    seconds = sum(line["seconds"] for line in found.records)
    return (
        f"{last['time'][:10]}, {last['machine']}; {seconds:.0f} s of training in all; {versions}; code {codes}, commit "
        f"{last['commit']}. Differences are taken seed by seed (paired t)."
    )


def _plain(text: str) -> str:
    """Text that Markdown and its tables take as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)
