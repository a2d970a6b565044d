"""The record of an evaluation in words: a table, what it shows, and what was left out."""

from typing import Any

from labkit.wording import first_few

MEANING = {  # of the names in labkit.models.adventurer.FLIPS, as a reader of the table meets them
    "as_released": "the third and the fourth block read the patches backwards, as in the released code",
    "alternate": "every other block reads them backwards, as in the paper",
    "never": "no block reads them backwards",
}
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
    title = "flips" if models.keys() <= MEANING.keys() else "model"
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
    """What the rows mean, and what each comparison shows, from how many images."""
    lines = [f"{rule}: {MEANING[rule]}." for rule in result["models"] if rule in MEANING]
    for found in result["comparisons"]:
        a, b, only_a, only_b = (found[name] for name in ("a", "b", "only_a", "only_b"))
        if found["share"] is None:
            lines.append(f"Not shown: whether {a} or {b} answers better. They are right on the same images.")
            continue
        low, high = (100 * found["share"][name] for name in ("low", "high"))
        lines.append(
            f"{_verdict(result, found)}. Of {_images(only_a + only_b)} that only one of them gets right, {a} gets "
            f"{only_a:,} and {b} {only_b:,} (95 % interval of {a}'s share: {low:.0f} to {high:.0f} %; exact test: "
            f"p = {found['p']:.2g})."
        )
    return lines


def _verdict(result: dict[str, Any], found: dict[str, Any]) -> str:
    a, b, better = found["a"], found["b"], found["better"]
    if better == "not shown":
        return f"Not shown: whether {a} or {b} answers better, which does not make them equal"
    shown = f"Shown: {better} answers better than {b if better == a else a}"
    if result["models"][better]["top1"]["low"] <= 1 / result["classes"]:
        return f"{shown}, yet it is not shown to be better than chance, so neither may be right"
    return f"{shown}, so of these two rules it fits the weights better" if better in MEANING else shown


def _reported(result: dict[str, Any]) -> list[str]:
    """The authors' accuracy, and how far from it each model is where the images are theirs."""
    if "reported" not in result:
        return []
    top1, size, crop = (result["reported"][name] for name in ("top1", "image_size", "crop"))
    line = f"The authors report {100 * top1:.1f} % top-1 for ImageNet's 50,000 validation images"
    as_theirs = (size, crop) == (result["protocol"]["size"], result["protocol"]["crop"])
    if not as_theirs or result["missing"] or result["empty"] or result["images"] != 50_000:
        return [f"{line}, at {size} px and crop {crop:g}: other images than these, or prepared otherwise."]
    apart = (f"{name} {100 * (found['top1']['mean'] - top1):+.2f}" for name, found in result["models"].items())
    return [
        f"{line}; in points from that: {', '.join(apart)}. On the same images intervals do not count: rounding "
        "explains 0.05 points and another number format hardly more; beyond that it is another computation."
    ]


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
        lines.append(f"Class folders without an image: {first_few(empty, most=NAMED)}.")
    if result["order"] == "alphabet" and result["classes"] == 1000:
        lines.append(
            "The class folders are not called like ImageNet's synsets (n01440764, ...): they were numbered in "
            "alphabetical order, which is right only if the head counts them so."
        )
    if result["ignored"]:
        lines.append(f"Files with other endings, not looked at: {result['ignored']:,}.")
    return lines


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"
