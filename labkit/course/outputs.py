"""Outputs of executed cells, made fit for a page: figures, notes for widgets, the last state of progress bars."""

from collections.abc import Iterable, Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_output

from labkit.course.figures_html import MIME, figure_html

WIDGET = "application/vnd.jupyter.widget-view+json"
FOR_PROGRAMS = "application/vnd.labkit."  # results that a lesson hands to the recorder; there is nothing to see
NOTE = "This control needs a running kernel"
NOTE_WITH_FIGURE = f"{NOTE}; the figure below moves without one"


def fit_for_page(notebook: NotebookNode) -> None:
    """Change the outputs of every cell in place."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, following in zip(code, [*code[1:], None], strict=True):
        near = [*cell.outputs, *(following.outputs if following else [])]
        figure_near = any(MIME in output.get("data", {}) for output in near)
        merged = _merge_streams(output for output in cell.outputs if not _is_for_programs(output))
        cell.outputs = list(_one_note(_fit(output, f"{cell.id}-{i}", figure_near) for i, output in enumerate(merged)))


def collapse(text: str) -> str:
    """What a terminal shows in the end: after a carriage return the line is written over."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip() if "\r" in line else line)
    return "\n".join(lines)


def _is_for_programs(output: NotebookNode) -> bool:
    data = output.get("data", {})
    return bool(data) and all(mime.startswith(FOR_PROGRAMS) for mime in data)


def _merge_streams(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Pieces of one stream belong together: a progress bar comes in dozens of them."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _fit(output: NotebookNode, name: str, figure_near: bool) -> NotebookNode:
    if output.output_type == "stream":
        output.text = collapse(output.text)
        return output
    data = output.get("data", {})
    if MIME in data:
        return _html(figure_html(data[MIME], f"figure-{name}"))
    if WIDGET in data:
        return _html(f'<p class="note">{NOTE_WITH_FIGURE if figure_near else NOTE}.</p>')
    if "text/latex" in data and "text/html" not in data:
        return new_output("display_data", {"text/markdown": data["text/latex"]})
    return output


def _html(html: str) -> NotebookNode:
    return new_output("display_data", {"text/html": html})


def _one_note(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Three sliders in one cell need one note."""
    seen = False
    for output in outputs:
        note = NOTE in output.get("data", {}).get("text/html", "")
        if not (note and seen):
            yield output
        seen = seen or note
