"""The published checkpoints of the paper and of Adventurer by name, fetched from the Hugging Face hub once.

The hub states the SHA-256 of each large file; what arrives is held to it, so that a file which was cut short, exchanged
on the way or damaged on the disk is not taken for the one that the hub holds.
"""

import os
from pathlib import Path
from typing import NamedTuple

from labkit.records import sha256
from labkit.wording import in_one_line

HUB = "https://huggingface.co"


class Checkpoint(NamedTuple):
    """Where a checkpoint is, the side of its images in pixels, and the top-1 accuracy in percent that its authors
    report on ImageNet's validation set."""

    repository: str
    file: str
    image_size: int
    top1: float

    @property
    def url(self) -> str:
        """Its address on the hub."""
        return f"{HUB}/{self.repository}/resolve/main/{self.file}"


def _checkpoints(repository: str, reported: dict[str, float]) -> dict[str, Checkpoint]:
    return {
        name: Checkpoint(repository, f"{name}.pth", int(name.rpartition("_")[2]), top1)
        for name, top1 in reported.items()
    }


# names and accuracies as in the READMEs of the two repositories of code
PUBLISHED = {
    **_checkpoints(
        "Wangf3014/Patch_Scaling",
        {
            "adventurer_tiny_patch1_64": 77.4,
            "adventurer_tiny_patch1_128": 80.7,
            "adventurer_tiny_patch1_224": 81.9,
            "adventurer_small_patch1_64": 80.5,
            "adventurer_small_patch1_128": 81.4,
            "adventurer_small_patch1_224": 83.8,
            "adventurer_base_patch1_64": 80.9,
            "adventurer_base_patch1_128": 82.4,
            "adventurer_base_patch1_224": 84.6,
        },
    ),
    **_checkpoints(
        "Wangf3014/Adventurer",
        {
            "adventurer_tiny_patch16_224": 78.2,
            "adventurer_small_patch16_224": 81.8,
            "adventurer_base_patch16_224": 82.6,
            "adventurer_large_patch16_224": 83.4,
            "adventurer_base_patch8_224": 83.9,
            "adventurer_base_patch16_384": 84.2,
            "adventurer_base_patch16_448": 84.3,
            "adventurer_base_patch8_448": 84.8,
        },
    ),
}


def fetched(name: str, *, cache: Path | None = None, endpoint: str | None = None) -> Path:
    """The file of the published checkpoint `name`: from the cache without a network, otherwise from the hub, with a
    progress bar. A connection that breaks is taken up again, five times, where it broke; a fetch that was given up or
    killed starts anew. `cache` is a folder (default: the hub's own), `endpoint` a mirror of the hub.

    ValueError if it can be had from neither, with what to fetch and where to put it, and if it is not the file whose
    sum the hub states, which is then removed.
    """
    from huggingface_hub import hf_hub_download

    about, found = PUBLISHED[name], cached(name, cache=cache)
    if found is None:
        try:
            found = Path(hf_hub_download(about.repository, about.file, cache_dir=cache, endpoint=endpoint))
        except Exception as error:  # whichever HTTP client this version of the hub's library uses has its own
            instead = f"give the path of {about.file} in place of the name"
            raise unfetched(name, error, what=about.url, instead=instead) from error
    _check_sum(found, name)
    return found


def cached(name: str, *, cache: Path | None = None) -> Path | None:
    """The file of the published checkpoint `name` if it has been fetched before, else None; asks no network. Used in
    lesson 10."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    about = PUBLISHED[name]
    try:
        return Path(hf_hub_download(about.repository, about.file, cache_dir=cache, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def unfetched(name: str, error: Exception, *, what: str, instead: str) -> ValueError:
    """The error to raise where the weights of `name` cannot be had: what to fetch elsewhere, and what to do with it."""
    return ValueError(
        f"the weights of {name} are not in the cache and could not be fetched ({in_one_line(error)}). Fetch {what} on "
        f"a machine that reaches it, copy it here, and {instead}"
    )


def _check_sum(path: Path, name: str) -> None:
    """ValueError unless the file has the sum that the hub stated, which is the cache's name for it; a wrong one is
    removed. A cache without links (Windows) does not keep that name: there the hub's library compares sizes only."""
    if not path.is_symlink():
        return
    blob = path.parent / os.readlink(path)
    found = sha256(path)
    if found != blob.name:
        path.unlink()
        blob.unlink()
        raise ValueError(
            f"the file of {name} is not what the hub promised: its SHA-256 is {found} and should be {blob.name}. It "
            "was removed from the cache; load the name again to fetch it anew"
        )
