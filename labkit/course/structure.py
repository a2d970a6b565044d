"""What a page must have for people who hear it or step through it: one title, headings in order, words for pictures."""

import re
from collections import Counter
from collections.abc import Iterable
from html.parser import HTMLParser
from itertools import pairwise

NO_WORDS = "No description has been provided for this image"  # what nbconvert writes in place of a description
HEADING = re.compile(r'<h([1-6]) id="([^"]*)">(.*?)</h\1>', re.DOTALL)


class Outline(HTMLParser):
    """The headings of a page in order, its ids, and what is wrong with its pictures and tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag adds to the outline."""
        attributes = dict(attrs)
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.headings.append(int(tag[1]))
        if name := attributes.get("id"):
            self.ids.append(name)
        if tag == "img" and (attributes.get("alt") or NO_WORDS) == NO_WORDS:
            self.faults.append("a picture has no alternative text (alt)")
        if attributes.get("role") == "img" and not attributes.get("aria-label"):
            self.faults.append("a figure has no alternative text (aria-label)")
        if tag == "th" and "scope" not in attributes:
            self.faults.append("a table's header has no scope")


def unique_headings(html: str) -> str:
    """The HTML with headings of the same text told apart in their ids: the second "Run" becomes "Run-2"."""
    seen: Counter[str] = Counter()

    def named(heading: re.Match[str]) -> str:
        level, name, text = heading.groups()
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name}-{seen[name]}"
        old_link, new_link = (f'href="#{one}"' for one in (name, new))
        return f'<h{level} id="{new}">{text.replace(old_link, new_link)}</h{level}>'

    return HEADING.sub(named, html)


def check_structure(html: str) -> None:
    """ValueError, naming all of them, for faults in the structure of a whole page."""
    outline = Outline(html)
    faults = [*heading_faults(outline.headings), *outline.faults]
    if twice := sorted({name for name in outline.ids if outline.ids.count(name) > 1}):
        faults.append(f"the id {', '.join(twice)} stands twice, so links to it are ambiguous")
    if faults:
        raise ValueError(f"{'; '.join(dict.fromkeys(faults))}: who hears the page or steps through it would be lost")


def heading_faults(levels: Iterable[int]) -> list[str]:
    """What is wrong with headings of these levels, 1 to 6, in their order on a page."""
    levels = list(levels)
    faults = [] if levels.count(1) == 1 else [f"there are {levels.count(1)} headings of level 1, not one"]
    for above, below in pairwise(levels):
        if below > above + 1:
            faults.append(f"a heading of level {below} follows one of level {above}: a level is left out")
    return faults
