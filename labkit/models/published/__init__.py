"""Published models in our classes, answering as their authors' code does: Adventurer's checkpoints by name or from a
file, timm's plain Vision Transformers, and both back under their own names.

>>> from labkit.models.published import load
>>> model = load("adventurer_tiny_patch16_224")  # asks the network once, by name
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from labkit.grid import Size
from labkit.models.adventurer import Adventurer
from labkit.models.published.adventurer import from_state_dict, side_of, to_state_dict
from labkit.models.published.files import FORMATS, weights_in
from labkit.models.published.hub import PUBLISHED, Checkpoint, cached, fetched
from labkit.models.published.timm_vit import TIMM, from_timm, to_timm

__all__ = [
    "PUBLISHED", "TIMM", "Checkpoint", "cached", "from_state_dict", "from_timm", "load", "located", "to_state_dict",
    "to_timm",
]  # fmt: skip


def load(
    name_or_path: str | Path,
    *,
    image_size: Size | None = None,
    flips: str | Sequence[bool] = "as_released",
    cache: str | Path | None = None,
    endpoint: str | None = None,
) -> Adventurer:
    """An Adventurer with published weights, in float32: by a name of `PUBLISHED`, from the cache or else from the
    Hugging Face hub (with progress, checked by its SHA-256), or from a .pth or .safetensors file under the released
    code's names.

    `image_size` in pixels is needed for a file whose positions make no square; `cache` and `endpoint` are the folder
    and the mirror for a download. ValueError for an unknown name, for a file that cannot be had, is damaged, is not the
    promised one or wants to run code, and for weights that make no Adventurer (see `from_state_dict`).
    """
    path = located(name_or_path, cache=cache, endpoint=endpoint)
    state = {name: tensor.float() for name, tensor in weights_in(path).items()}
    try:
        return from_state_dict(state, image_size=image_size or side_of(state), flips=flips)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def located(name_or_path: str | Path, *, cache: str | Path | None = None, endpoint: str | None = None) -> Path:
    """The file that `load` reads, fetched if need be. ValueError as there, for what concerns the name and the file."""
    name, path = str(name_or_path), Path(name_or_path)
    if name in PUBLISHED:
        return fetched(name, cache=None if cache is None else Path(cache), endpoint=endpoint)
    if cache is not None or endpoint is not None:
        raise ValueError(f"{name} is no published name: a cache or an endpoint has no effect on a file")
    if name in TIMM:
        raise ValueError(f"{name} is a Vision Transformer of timm: from_timm loads it, here are Adventurers only")
    if path.suffix not in FORMATS:
        near = get_close_matches(name, [*PUBLISHED, *TIMM], n=3)
        raise ValueError(
            f"{name!r} is neither a published name nor a file ending in {' or '.join(FORMATS)}; "
            + (f"do you mean {' or '.join(near)}?" if near else f"the names are {', '.join(PUBLISHED)}")
        )
    return path
