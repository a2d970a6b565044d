"""Words that messages are made of."""

from collections.abc import Sequence


def first_few(names: Sequence[str], *, most: int = 3) -> str:
    """The first `most` names, and how many more there are.

    >>> first_few(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def capitalised(words: str) -> str:
    """The words with a capital at the beginning, all else as it was.

    >>> capitalised("a ViT")
    'A ViT'
    """
    return words[:1].upper() + words[1:]


def in_one_line(said: object) -> str:
    """What was said, such as an error's message, with every run of white space as one space."""
    return " ".join(str(said).split())
