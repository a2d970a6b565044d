"""A written report under a cell, as it looks in a browser of its own."""

from html import escape

from IPython.display import display

from labkit.study.report import Report

HEIGHT = 980  # pixels; a longer report scrolls


def show_report(files: Report) -> None:
    """Show the report's page, in a frame where it cannot run anything. Used in lesson 11."""
    page = escape(files.html.read_text(encoding="utf-8"), quote=True)
    frame = f'<iframe title="the report" sandbox srcdoc="{page}" style="width:100%;height:{HEIGHT}px;border:1px solid">'
    display({"text/html": f"{frame}</iframe>", "text/plain": files.markdown.read_text(encoding="utf-8")}, raw=True)
