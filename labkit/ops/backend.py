"""How an operation picks one of its implementations.

An operation keeps a table {name: function} with its definition first. `resolve` turns the caller's word into one of
these names: "auto" means the operation's own preference, anything else must stand in the table.
"""

from collections.abc import Iterable


def resolve(operation: str, wanted: str, known: Iterable[str], *, preferred: str) -> str:
    """The backend's name that `wanted` stands for; ValueError with the list of what is there if it is unknown."""
    known = list(known)
    if wanted == "auto":
        return preferred
    if wanted not in known:
        raise ValueError(
            f"backend {wanted!r} of {operation} is unknown: it must be 'auto' or one of {', '.join(known)}; "
            "nothing was computed"
        )
    return wanted
