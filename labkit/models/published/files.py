"""Reading weights from a file without running what is in it.

A .pth file is a pickle, a small program. It is read with `weights_only`: numbers, containers, tensors, and the one
class that the released code puts beside them, the settings of its command line (argparse.Namespace, which only holds
values). Whatever else a file asks for is refused before it is called.
"""

import argparse
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from labkit.wording import first_few

FORMATS = (".pth", ".safetensors")


def weights_in(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth or .safetensors file by name, on the CPU. Of a training checkpoint, those under "model".

    ValueError for a file that is not there, of another format, damaged, not what its ending says (a web page that was
    saved, say), or that wants to run code; nothing of it is used.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}: nothing was loaded")
    try:
        held = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} was refused: {_refused(error, path)}. Nothing of it was run") from error
    except Exception as error:  # damage anywhere makes readers of zip, pickle and JSON fail in ways of their own
        why = re.split(r"\. |\n", str(error))[0]  # what follows is advice to switch the check off
        raise ValueError(f"{path} cannot be read: {_what_it_is(path)} ({why})") from error
    return _state_dict(held, path)


def _unpickled(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            if damaged := parts.testzip():  # torch does not compare the sums
                raise ValueError(f"the sum of {damaged} in it differs")
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's remarks on unusual pickles that it then refuses
        return torch.load(path, weights_only=True, map_location="cpu")


def _state_dict(held: Any, path: Path) -> dict[str, Tensor]:
    """The table of tensors in what a file held."""
    table = held.get("model", held) if isinstance(held, dict) else held
    entries = list(table.items()) if isinstance(table, dict) else []
    odd = [str(name) for name, value in entries if not (isinstance(name, str) and _is_weight(value))]
    if len(odd) == len(entries):
        inside = first_few(list(map(str, held)), most=6) if isinstance(held, dict) else type(held).__name__
        raise ValueError(f'{path} holds no table of weights, nor one under "model"; it holds: {inside or "nothing"}')
    if odd:
        raise ValueError(f"{path} holds what is no weight under {first_few(odd)}: nothing of it was loaded")
    return table


def _is_weight(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _refused(error: Exception, path: Path) -> str:
    """Why torch would not unpickle a file; of its long message, which advises to switch the check off, the one name."""
    asked = re.search(r"GLOBAL (\S+)", str(error))
    return f"it asks for {asked[1]}, which weights do not need, and may run code" if asked else _what_it_is(path)


def _what_it_is(path: Path) -> str:
    """A guess at why a file cannot be read, from its first bytes."""
    with path.open("rb") as file:
        start = file.read(200).lstrip().lower()
    if not start:
        return "it is empty"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, most likely an error message saved in place of the weights; fetch it again"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs, not the file that it points to; fetch that"
    return "it is damaged, was cut short, or holds something else than weights"
