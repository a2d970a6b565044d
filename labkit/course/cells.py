"""A notebook's cells as HTML: nbconvert with a template of our own, without any script or address from outside."""

import re
from pathlib import Path

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from labkit.course.markdown import markdown_to_html
from labkit.course.outputs import fit_for_page
from labkit.course.structure import unique_headings
from labkit.course.tables_html import accessible_tables

TEMPLATES = Path(__file__).parent / "templates"
LOADED = re.compile(
    r"""<(?:script|img|iframe|audio|video|source|embed|input)\b[^>]*?\ssrc\s*=\s*["']?\s*(?!data:)([^"'\s>]+)"""
    r"""|<link\b[^>]*?\shref\s*=\s*["']?\s*([^"'\s>]+)"""
    r"""|<style\b[^>]*>[^<]*?(?:@import|url\()\s*["']?\s*(?!data:)([^"')\s]+)""",
    re.IGNORECASE,
)


class CellsExporter(HTMLExporter):
    """nbconvert's exporter, but for formulas, and for a template that writes the cells alone."""

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Markdown to HTML with MathML and with the cell's attachments."""
        return markdown_to_html(source, attachments=context.get("cell", {}).get("attachments", {}))


def cells_html(notebook: NotebookNode) -> str:
    """All cells of an executed notebook as one piece of HTML; changes the notebook's outputs."""
    fit_for_page(notebook)
    exporter = CellsExporter(template_name="cells", extra_template_basedirs=[str(TEMPLATES)])
    html, _ = exporter.from_notebook_node(notebook)
    if found := LOADED.search(html):
        address = next(filter(None, found.groups()))
        raise ValueError(f"an output or a text loads {address}: the page would be incomplete where that is missing")
    return accessible_tables(unique_headings(html))
