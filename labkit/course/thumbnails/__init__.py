"""A small drawing for each lesson, as SVG in the page's own colours: the idea of the lesson, no result."""

from collections.abc import Callable

from labkit.course.thumbnails.models import cost, loss_of_a_patch, sequence, start, two_architectures
from labkit.course.thumbnails.shapes import nested
from labkit.course.thumbnails.studies import equal_compute, grid_of_runs, law, own_study, pixels, training

DRAWINGS: dict[str, Callable[[], str]] = {
    "00": start,
    "01": sequence,
    "02": loss_of_a_patch,
    "03": cost,
    "04": two_architectures,
    "05": training,
    "06": grid_of_runs,
    "07": law,
    "08": equal_compute,
    "10": pixels,
    "11": own_study,
}


def thumbnail(number: str) -> str:
    """The drawing of the lesson with this number, 160 x 100 units; nested squares for one that has none of its own.

    It is hidden from screen readers: the lesson's title and summary stand beside it.
    """
    drawn = DRAWINGS.get(number, lambda: nested(38, 8, 84))()
    return f'<svg class="thumbnail" viewBox="0 0 160 100" aria-hidden="true" focusable="false">{drawn}</svg>'
