"""The record of an evaluation in words: a table, what it shows, and what was left out."""

from collections.abc import Sequence
from typing import Any

from labkit.models.adventurer import FLIPS

NAMED = 10  # so many files or folders are named, the others counted


def as_text(result: dict[str, Any]) -> str:
    """A table of the models, then a line or more for each thing to know about the numbers."""
    return "\n".join([*_heading(result), *_table(result), "", *_shown(result), *_reported(result), *_left_out(result)])


def _heading(result: dict[str, Any]) -> list[str]:
    protocol = result["protocol"]
    model = f"{result['model']}: " if "model" in result else ""
    return [
        f"{model}{_images(result['images'])} of {result['classes'] - result['missing']:,} classes, {protocol['size']} "
        f"px, crop {protocol['crop']:g}; {result['precision']} on {result['device']}",
        "",
    ]


def _table(result: dict[str, Any]) -> list[str]:
    models = result["models"]
    title = "flips" if models.keys() <= FLIPS.keys() else "model"
    several = f"top{min(5, result['classes'])}"
    rows = [
        [title, *(f"{name} (95 % interval)" for name in ("top-1 %", f"{several.replace('top', 'top-')} %", "loss"))]
    ]
    for name, found in models.items():
        shares = [_between(found[key], scale=100, digits=2) for key in ("top1", several)]
        rows.append([name, *shares, _between(found["loss"], scale=1, digits=4)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _between(found: dict[str, Any], *, scale: int, digits: int) -> str:
    """A mean and its interval; one image has no spread, so its loss has none either."""
    mean, *bounds = (
        "no bound" if found[name] is None else f"{scale * found[name]:.{digits}f}" for name in ("mean", "low", "high")
    )
    return f"{mean} ({' to '.join(bounds)})"


def _shown(result: dict[str, Any]) -> list[str]:
    """What each comparison shows, and from how many images."""
    lines = []
    rules = result["models"].keys() <= FLIPS.keys()
    fits = ", so of the two it is the rule that fits these weights" if rules else ""
    for found in result["comparisons"]:
        a, b, only_a, only_b = (found[name] for name in ("a", "b", "only_a", "only_b"))
        if found["share"] is None:
            lines.append(f"Not shown: whether {a} or {b} answers better. They are right on the same images.")
            continue
        worse = b if found["better"] == a else a
        verdict = (
            f"Not shown: whether {a} or {b} answers better, which does not make them equal"
            if found["better"] == "not shown"
            else f"Shown: {found['better']} answers better than {worse}{fits}"
        )
        low, high = (100 * found["share"][name] for name in ("low", "high"))
        lines.append(
            f"{verdict}. Of {_images(only_a + only_b)} that only one of them gets right, {a} gets {only_a:,} and {b} "
            f"{only_b:,} (95 % interval of {a}'s share: {low:.0f} to {high:.0f} %; exact test: p = {found['p']:.2g})."
        )
    return lines


def _reported(result: dict[str, Any]) -> list[str]:
    """The authors' accuracy, and beside which of the intervals it may be held."""
    if "reported" not in result:
        return []
    top1, size, crop = (result["reported"][name] for name in ("top1", "image_size", "crop"))
    as_theirs = (size, crop) == (result["protocol"]["size"], result["protocol"]["crop"])
    line = f"The authors report {100 * top1:.1f} % top-1 for ImageNet's 50,000 validation images at {size} px"
    if not as_theirs or result["missing"] or result["empty"] or result["images"] != 50_000:
        return [f"{line}; these are other images, or prepared otherwise, so it need not come out here."]
    inside = [name for name, found in result["models"].items() if found["top1"]["low"] <= top1 <= found["top1"]["high"]]
    return [f"{line}; it lies {'in the interval of ' + ' and of '.join(inside) if inside else 'in no interval above'}."]


def _left_out(result: dict[str, Any]) -> list[str]:
    lines = []
    if (limit := result["limit"]) is not None:
        lines.append(f"Only the first {limit:,} of each class, by name, were looked at: no random sample.")
    if failed := result["unreadable"]:
        lines.append(f"{_images(len(failed))} could not be read and {'does' if len(failed) == 1 else 'do'} not count:")
        lines += [f"  {path}: {reason}" for path, reason in failed[:NAMED]]
        lines += [f"  and {len(failed) - NAMED:,} more"] if len(failed) > NAMED else []
    if result["missing"]:
        lines.append(f"{result['missing']:,} of {result['classes']:,} classes have no folder, yet may be answered.")
    if empty := result["empty"]:
        lines.append(f"Class folders without an image: {_some(empty)}.")
    if result["ignored"]:
        lines.append(f"Files with other endings, not looked at: {result['ignored']:,}.")
    return lines


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
