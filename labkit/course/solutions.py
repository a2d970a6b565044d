"""Cutting the solutions out: the lines between the two markers become one line that says where to write."""

import re

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
PLACE = "...  # your answer here"
ALMOST = re.compile(r"#\s*(BEGIN|END)[ _-]*SOLUTION", re.IGNORECASE)


def cut_solutions(source: str) -> str:
    """The student's version of a cell; a ValueError for markers that would leave a solution in it."""
    kept: list[str] = []
    inside = False
    for line in source.splitlines():
        text = line.strip()
        if ALMOST.search(line) and text not in (BEGIN, END):
            raise ValueError(f"`{text}` is no marker ({BEGIN} and {END} are): the student would be handed the solution")
        if text == (BEGIN if inside else END):
            raise ValueError(f"`{text}` without its partner: markers come in pairs, else part of a solution stays")
        if text == BEGIN:
            kept.append(line[: line.index("#")] + PLACE)
        if text in (BEGIN, END):
            inside = not inside
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"`{BEGIN}` without `{END}`: the rest of the cell would be cut away")
    return "\n".join(kept)
