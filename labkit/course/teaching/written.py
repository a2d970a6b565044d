"""A folder that is built again and again: what was built before is replaced, what a person changed is not."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from labkit.records import sha256, write_atomically, write_text

SUMS = "SHA256SUMS"


def sums_of(folder: Path) -> dict[str, str]:
    """The checksums that lie in `folder`, by path; empty where there are none. ValueError if the file is damaged."""
    if not (folder / SUMS).exists():
        return {}
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    if any(line[64:66] != "  " for line in lines):
        raise ValueError(f"{folder / SUMS} is no list of checksums: what was built here cannot be told; delete it.")
    return {line[66:]: line[:64] for line in lines}


def refuse_to_overwrite(folder: Path, files: Mapping[str, bytes]) -> None:
    """ValueError, naming them, for files that would be replaced or deleted and that a person wrote or changed: they are
    neither as they were built nor as they would be."""
    before = sums_of(folder)
    there = [name for name in sorted(files.keys() | before.keys()) if (folder / name).is_file()]
    changed = [
        name
        for name in there
        if sha256(folder / name) != before.get(name) and (folder / name).read_bytes() != files.get(name)
    ]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise ValueError(
            f"{', '.join(changed[:3])}{more} in {folder} is not as it was built: somebody's changes would be lost; "
            "move it away, or build into another folder. Nothing was written."
        )


def write_all(folder: Path, files: Mapping[str, bytes], *, keep: str) -> None:
    """Write the files, each whole or not at all, and delete those of an earlier build that are no longer among them,
    but for paths that start with `keep`."""
    before = sums_of(folder)
    for name, content in files.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            write_atomically(folder / name, lambda file, content=content: file.write(content))
    for name in before.keys() - files.keys():
        if not name.startswith(keep):
            (folder / name).unlink(missing_ok=True)


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS in `folder` over the files of these names."""
    write_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in sorted(names)))
