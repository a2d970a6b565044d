"""What a study may vary: settings of a run that leave its task as it is, so that losses can be compared."""

from typing import NamedTuple

from labkit.config import choose

Value = int | float | str | bool


class Factor(NamedTuple):
    """A setting as people say it, what its values are, and the model that alone has it (None: every model)."""

    words: str
    kind: type
    model: str | None = None


FACTORS = {
    "patch_size": Factor("patch size p", int),
    "model": Factor("architecture", str),
    "steps": Factor("training steps", int),
    "width": Factor("width D", int),
    "depth": Factor("blocks", int),
    "positions": Factor("positions", str),
    "learning_rate": Factor("learning rate", float),
    "batch": Factor("images in a step", int),
    "weight_decay": Factor("weight decay", float),
    "heads": Factor("heads of attention", int, "vit"),
    "flips": Factor("flips of the reading order", str, "adventurer"),
    "heading": Factor("heading average", bool, "adventurer"),
}
MODEL_WORDS = {"vit": "ViT", "adventurer": "Adventurer"}


def values_from(text: str, factor: str) -> tuple[Value, ...]:
    """The values that a person wrote, `text` with commas between them, in the factor's type: "16, 8, 4".

    ValueError for a factor that is not there, for text without a value, and for a word that is none of its type. Used
    in lesson 11.
    """
    kind = choose("factor", factor, FACTORS).kind
    words = [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]
    if not words:
        raise ValueError(f"no value of {factor}: write two or more with commas between them, or nothing would vary")
    return tuple(_read(word, factor, kind) for word in words)


def told(factor: str, value: Value) -> str:
    """A value as figures and sentences name it: "p = 4", "ViT", "width 64"."""
    if factor == "model":
        return short(value)
    return f"p = {value}" if factor == "patch_size" else f"{factor.replace('_', ' ')} {short(value)}"


def short(value: Value) -> str:
    """The value alone, as an axis names it: "4", "ViT"."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if type(value) is int else MODEL_WORDS.get(str(value), str(value))


def _read(word: str, factor: str, kind: type) -> Value:
    try:
        return {"true": True, "false": False}[word.lower()] if kind is bool else kind(word)
    except (ValueError, KeyError):
        wanted = {int: "a whole number", float: "a number", bool: "true or false"}[kind]
        raise ValueError(f"{factor}: {word!r} is not {wanted}, so no run could take it") from None
