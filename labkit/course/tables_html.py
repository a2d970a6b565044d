"""Tables that can be read aloud and on a phone: headers with their scope, in a region that scrolls."""

import re
from html import escape, unescape

TABLE = re.compile(r"<table\b[^>]*>.*?</table>", re.DOTALL)
HEAD = re.compile(r"<thead\b[^>]*>.*?</thead>", re.DOTALL)
ROW = re.compile(r"<tr\b[^>]*>.*?</tr>", re.DOTALL)
HEADER = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
FIRST_CELL = re.compile(r"(<tr\b[^>]*>\s*)<td\b([^>]*)>(.*?)</td>", re.DOTALL)


def accessible_tables(html: str) -> str:
    """The HTML with every table's cells related to their headers, each table in a region that the keyboard reaches.

    ValueError for a table without a header row: nobody could tell what its columns are.
    """
    return TABLE.sub(lambda found: _region(found[0]), html)


def _region(table: str) -> str:
    head = HEAD.search(table)
    names = [_plain(name) for _, name in HEADER.findall(head[0])] if head else []
    if not any(names):
        raise ValueError(f"the table that begins with {_plain(table)[:60]!r} has no header: its columns have no names")
    columns = HEADER.sub(lambda cell: _header(cell, "col"), head[0])
    body = ROW.sub(lambda row: _named_row(row[0]), table[head.end() :])
    label = escape("Table: " + ", ".join(name for name in names if name))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f"{table[: head.start()]}{columns}{body}</div>"
    )


def _header(cell: re.Match[str], scope: str) -> str:
    """A header with its scope; one without text names nothing and is an ordinary cell."""
    attributes, text = cell.groups()
    if not _plain(text):
        return f"<td{attributes}>{text}</td>"
    return cell[0] if "scope=" in attributes else f'<th scope="{scope}"{attributes}>{text}</th>'


def _named_row(row: str) -> str:
    """The first cell names the row, unless the row has headers already; one without text names nothing."""
    if "<th" in row:
        return HEADER.sub(lambda cell: _header(cell, "row"), row)
    first = FIRST_CELL.search(row)
    if first is None or not _plain(first[3]):
        return row
    return FIRST_CELL.sub(lambda cell: f'{cell[1]}<th scope="row"{cell[2]}>{cell[3]}</th>', row, count=1)


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
