"""Markdown as nbconvert reads it, with the formulas in it turned into MathML."""

from collections.abc import Mapping
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from labkit.course.mathml import to_mathml


class LessonRenderer(IPythonRenderer):
    """nbconvert's renderer, but for formulas."""

    def inline_math(self, body: str) -> str:
        """A formula in a line of text; the joiner behind it keeps a comma or a full stop on the same line."""
        return to_mathml(body, display=False) + "\u2060"

    def block_math(self, body: str) -> str:
        """A formula on a line of its own; it scrolls when the window is narrower."""
        return f'<span class="formula">{to_mathml(body, display=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        """A LaTeX environment outside dollar signs."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture that the notebook itself carries."""
        if not url.startswith(("attachment:", "data:")):
            raise ValueError(
                f"the picture {url} lies outside the notebook: readers would not see it; draw it in a cell"
            )
        return super().image(text, url, title)


def markdown_to_html(source: str, *, attachments: Mapping[str, Any] | None = None) -> str:
    """The HTML of one Markdown text; a ValueError names a formula or a picture that a page could not show."""
    renderer = LessonRenderer(escape=False, attachments=dict(attachments or {}), anchor_link_text="#")
    return MarkdownWithMath(renderer=renderer).render(source)
