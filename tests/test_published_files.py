"""Weights from files and from the hub: what arrives is the published file, and nothing in it is run."""

import argparse
import contextlib
import hashlib
import io
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest
import safetensors.torch
import torch
from official import answer, drawn, sizes_to_shapes
from safetensors.torch import save_file
from torch import Tensor

from labkit.models.published import PUBLISHED, load, to_state_dict

NAME = "adventurer_tiny_patch16_224"  # what the server gives under this name is a small model
IMAGES = (16, 16)


def weights(**changes) -> dict[str, Tensor]:
    sizes = {"image_size": IMAGES, "patch": 4, "width": 32, "state": 8, "depth": 1, "classes": 5, "channels": 3}
    return drawn(sizes_to_shapes(**sizes | changes))


def bytes_of(held: object, **settings) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(held, file, **settings)
    return file.getvalue()


def checkpoint(state: dict[str, Tensor]) -> dict:
    """As the released training code saves it."""
    settings = argparse.Namespace(lr=5e-4, model=NAME, clip_grad=None, betas=(0.9, 0.999), data_path="imagenet")
    optimizer = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3}]}
    return {"model": state, "optimizer": optimizer, "epoch": 299, "args": settings, "best_acc": 78.2}


def same(model: torch.nn.Module, state: dict[str, Tensor]) -> bool:
    back = to_state_dict(model)
    return back.keys() == state.keys() and all(
        back[name].dtype == tensor.dtype and torch.equal(back[name], tensor) for name, tensor in state.items()
    )


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", ["checkpoint", "bare", "before zip", "safetensors"])
def test_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    state = weights()
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    if kind == "safetensors":
        save_file(state, path)
    else:
        held = checkpoint(state) if kind == "checkpoint" else state
        path.write_bytes(bytes_of(held, _use_new_zipfile_serialization=kind != "before zip"))
    for given in (path, str(path)):
        model = load(given)
        assert same(model, state)
    assert model.tokenizer.image_size == IMAGES
    assert (model.flips, load(path, flips="alternate").flips) == ((False,), (False,))
    images = torch.randn(2, 3, *IMAGES)
    torch.testing.assert_close(model(images).double(), answer(state, images), rtol=1e-4, atol=1e-4)


def test_half_precision_is_widened_to_float32(tmp_path: Path) -> None:
    state = {name: tensor.bfloat16() for name, tensor in weights().items()}
    save_file(state, tmp_path / "a.safetensors")
    assert same(load(tmp_path / "a.safetensors"), {name: tensor.float() for name, tensor in state.items()})


def test_positions_that_make_no_square(tmp_path: Path) -> None:
    save_file(weights(image_size=(8, 20)), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"a\.safetensors: pos_embed has places for 10 patches, which make no square"):
        load(tmp_path / "a.safetensors")
    assert load(tmp_path / "a.safetensors", image_size=(8, 20)).tokenizer.grid == (2, 5)


class Run:
    """When unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


class Shell(Run):
    """The same through the shell."""

    def __reduce__(self) -> tuple:
        return os.system, (f'echo > "{self.path}"',)


def settings_that_run(path: Path) -> argparse.Namespace:
    """Inside the one class that is let through."""
    return argparse.Namespace(lr=Run(path))


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "opens a file": lambda trace: bytes_of({"model": weights(), "note": Run(trace)}),
    "runs a command": lambda trace: bytes_of(Shell(trace)),
    "in the settings": lambda trace: bytes_of({"model": weights(), "args": settings_that_run(trace)}),
    "before zip": lambda trace: bytes_of(Run(trace), _use_new_zipfile_serialization=False),
    "plain pickle": lambda trace: pickle.dumps({"model": Shell(trace)}),
    "oldest pickle": lambda trace: pickle.dumps(Shell(trace), protocol=0),
    "a whole module": lambda trace: bytes_of({"model": torch.nn.Linear(2, 2)}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_refused_and_not_run(case: str, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "a.pth"
    path.write_bytes(HOSTILE[case](trace))
    with pytest.raises(ValueError, match=r"a\.pth was refused: .* Nothing of it was run"):
        load(path)
    assert not trace.exists()


def test_the_hostile_pickles_would_run(tmp_path: Path) -> None:
    """Where they are read without care; otherwise the test above could not fail."""
    for number, kind in enumerate((Run, Shell)):
        trace = tmp_path / str(number)
        held = pickle.loads(pickle.dumps(kind(trace)))
        if kind is Run:
            held.close()
        assert trace.exists()


def test_what_is_asked_for_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(bytes_of({"model": weights(), "note": Shell(tmp_path / "trace")}))
    with pytest.raises(ValueError, match=rf"it asks for {os.system.__module__}\.system, which weights do not need"):
        load(tmp_path / "a.pth")


def flipped(content: bytes) -> bytes:
    """One bit of a weight is another."""
    place = content.index(weights_of_head) + 5
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


KNOWN = weights()
weights_of_head = KNOWN["head.weight"].numpy().tobytes()
DAMAGED = {
    "cut short": lambda whole: whole[: len(whole) // 2],
    "a few bytes": lambda whole: whole[:20],
    "empty": lambda whole: b"",
    "one bit": flipped,
    "noise": lambda whole: bytes(range(7, 256)) * 20,
    "web page": lambda whole: b"\n<!DOCTYPE html>\n<html><body>Not found</body></html>",
    "pointer of git-lfs": lambda whole: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
}
TOLD = {"empty": "it is empty", "web page": "it is a web page", "pointer of git-lfs": "it is a pointer of git-lfs"}


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files(case: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    save_file(KNOWN, path) if ending == "safetensors" else path.write_bytes(bytes_of(KNOWN))
    assert same(load(path), KNOWN)
    if (case, ending) == ("one bit", "safetensors"):
        pytest.skip("the format has no sums: one wrong bit is a weight like any other")
    path.write_bytes(DAMAGED[case](path.read_bytes()))
    with pytest.raises(ValueError, match=rf"a\.{ending} .*{TOLD.get(case, 'it is damaged, was cut short, or holds')}"):
        load(path)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([1, 2], "holds no table of weights, .*; it holds: list"),
        ({"epoch": 3, "args": argparse.Namespace()}, "it holds: epoch, args"),
        ({"model": {}}, "it holds: model"),
        ({}, "it holds: nothing"),
        (torch.zeros(3), "it holds: Tensor"),
        ({"conv1.weight": torch.zeros(3)}, r"a\.pth: no tensor tells the size .* There are: conv1\.weight"),
        ({"model": {"pos_embed": 3}}, "holds no table of weights"),
        (KNOWN | {3: torch.zeros(1)}, "holds what is no weight under 3: nothing"),
        (KNOWN | {"steps": torch.zeros(1, dtype=torch.int64), "lr": 0.1}, "under steps, lr: nothing"),
        ({f"module.{name}": tensor for name, tensor in KNOWN.items()}, r"There are: module\.cls_token"),
    ],
)
def test_files_with_something_else(held: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(bytes_of(held))
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.pth")


def test_no_damage_leads_to_another_error(tmp_path: Path) -> None:
    """Every kind of file with bytes overwritten, cut out or repeated at random places: read as it was, or refused in
    words; in no case another error."""
    random = Random(0)
    wholes = {
        "zip.pth": bytes_of(KNOWN),
        "old.pth": bytes_of(KNOWN, _use_new_zipfile_serialization=False),
        "a.safetensors": safetensors.torch.save(KNOWN),
    }
    for name, whole in wholes.items():
        for _ in range(150):
            start = random.choice([random.randrange(len(whole)), random.randrange(2000), -random.randrange(1, 3000)])
            end = start + random.choice([1, 4, 40])
            new = random.choice([b"", random.randbytes(4), b"PK\x01\x02", b"\xff" * 40])
            (tmp_path / name).write_bytes(whole[:start] + new + (whole[end:] if end else b""))
            with contextlib.suppress(ValueError):
                load(tmp_path / name)


def test_names_and_paths_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"do you mean adventurer_tiny_patch1_64"):
        load("adventurer_tiny_patch1_46")
    with pytest.raises(ValueError, match="do you mean vit_tiny_patch16_224"):
        load("vit_tiny_patch16_225")
    with pytest.raises(ValueError, match="vit_tiny_patch16_224 is a Vision Transformer of timm: from_timm loads it"):
        load("vit_tiny_patch16_224")
    with pytest.raises(
        ValueError, match=r"'nosuch' is neither a published name nor a file .* the names are adventurer_"
    ):
        load("nosuch")
    with pytest.raises(ValueError, match=r"there is no file .*nosuch\.pth"):
        load(tmp_path / "nosuch.pth")
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(ValueError, match="there is no file"):
        load(tmp_path / "folder.pth")
    with pytest.raises(ValueError, match=r"neither a published name nor a file ending in \.pth or \.safetensors"):
        load(tmp_path / "weights.bin")
    with pytest.raises(ValueError, match="an endpoint has no effect on a file"):
        load(tmp_path / "a.pth", endpoint="http://localhost")


# ---------------------------------------------------------------- the hub


class Hub(ThreadingHTTPServer):
    """A stand-in for the Hugging Face hub on this machine, with one file; what it does wrong can be set."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = self.promised = content  # what is sent, and what it is said to be
        self.cuts: list[int] = []  # the next answers end after so many bytes
        self.page: bytes | None = None  # sent in place of everything, with no word of a hub
        self.status, self.sum = 200, ""
        self.seen: list[tuple[str, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """One answer of the stand-in, as the real hub heads it."""

    server: Hub

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        hub = self.server
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        body = hub.content[start:]
        self._answer(body, start, cut=hub.cuts.pop(0) if hub.cuts else len(body))

    def _answer(self, body: bytes, start: int = 0, cut: int = 0) -> None:
        hub = self.server
        hub.seen.append((self.command, self.path, self.headers["Range"]))
        if hub.page is not None or hub.status != 200:
            page = hub.page or b""
            self.send_response(hub.status)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page if self.command == "GET" else b"")
            return
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{hub.sum or hashlib.sha256(hub.promised).hexdigest()}"')
        self.send_header("Content-Length", str(len(body) if self.command == "GET" else len(hub.content)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(hub.content) - 1}/{len(hub.content)}")
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = True


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # before another try
    with Hub(bytes_of(checkpoint(KNOWN))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def here(hub: Hub, tmp_path: Path) -> Callable:
    """Load the name from the stand-in, into an empty cache."""
    return lambda **settings: load(NAME, cache=tmp_path / "cache", endpoint=hub.address, **settings)


def test_a_name_is_fetched_once(
    hub: Hub, here: Callable, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQDM_POSITION", "-1")  # the hub's library draws bars on a terminal, or when told so
    assert same(here(), KNOWN)
    assert f"/Wangf3014/Adventurer/resolve/main/{NAME}.pth" in {path for _, path, _ in hub.seen}
    assert f"{NAME}.pth: 100%" in capfd.readouterr().err, "progress is shown"
    asked = len(hub.seen)
    assert same(here(flips="alternate"), KNOWN)
    assert len(hub.seen) == asked, "the second time nobody is asked"
    hub.shutdown()
    assert same(here(), KNOWN)


def test_a_broken_connection_is_taken_up_again(hub: Hub, here: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000
    )  # 10 MB: what arrives is written in these
    third = len(hub.content) // 3 // 1000 * 1000
    hub.cuts = [third, third]
    assert same(here(), KNOWN)
    ranges = [span for method, _, span in hub.seen if method == "GET"]
    assert ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"], "what had arrived is not fetched again"


def nothing_kept(cache: Path) -> bool:
    """No file that could be taken for weights is left."""
    return not any(path.stat().st_size > 1000 for path in cache.rglob("*") if path.is_file())


def test_a_connection_that_always_breaks(hub: Hub, here: Callable, tmp_path: Path) -> None:
    hub.cuts = [100] + [0] * 50
    with pytest.raises(
        ValueError, match=rf"{NAME} are not in the cache and could not be fetched .* Fetch https://hugg"
    ):
        here()
    assert nothing_kept(tmp_path / "cache")
    hub.cuts = []
    assert same(here(), KNOWN), "the next try starts anew"


def test_a_page_in_place_of_the_hub(hub: Hub, here: Callable, tmp_path: Path) -> None:
    """A hotel's sign-in page answers everything with 200."""
    hub.page = b"<!DOCTYPE html><html>Please sign in</html>"
    with pytest.raises(ValueError, match=r"could not be fetched \(.+\)\. Fetch https://huggingface\.co"):
        here()
    assert nothing_kept(tmp_path / "cache")


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_errors_of_the_hub(status: int, hub: Hub, here: Callable, tmp_path: Path) -> None:
    hub.status, hub.page = status, b"<html>error</html>"
    with pytest.raises(ValueError, match=rf"could not be fetched .* give the path of {NAME}\.pth in place of the name"):
        here()
    assert nothing_kept(tmp_path / "cache")


def test_a_hub_that_states_no_sum(hub: Hub, here: Callable) -> None:
    hub.sum = "abc123"
    with pytest.raises(ValueError, match=r"is not what the hub promised: .* should be abc123"):
        here()


@pytest.mark.parametrize("content", ["page", "another file", "one bit"])
def test_a_file_that_is_not_the_promised_one(content: str, hub: Hub, here: Callable, tmp_path: Path) -> None:
    hub.content = {
        "page": b"<!DOCTYPE html>".ljust(5000),
        "another file": bytes_of(weights()),
        "one bit": flipped(hub.promised),
    }[content]
    with pytest.raises(ValueError, match=rf"the file of {NAME} is not what the hub promised: its SHA-256 is .* anew"):
        here()
    assert nothing_kept(tmp_path / "cache")
    hub.content = hub.promised
    assert same(here(), KNOWN), "the next try fetches the right one"


def test_damage_on_the_disk_is_noticed(hub: Hub, here: Callable, tmp_path: Path) -> None:
    here()
    (blob,) = (path for path in (tmp_path / "cache").rglob("blobs/*") if path.is_file())
    blob.write_bytes(flipped(blob.read_bytes()))
    with pytest.raises(ValueError, match="is not what the hub promised"):
        here()
    assert same(here(), KNOWN)


def test_a_hostile_file_on_the_hub(hub: Hub, here: Callable, tmp_path: Path) -> None:
    hub.content = hub.promised = bytes_of(Run(tmp_path / "trace"))
    with pytest.raises(ValueError, match=r"was refused: .*asks for .*open"):
        here()
    assert not (tmp_path / "trace").exists()


def test_no_network_and_not_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    where = rf"Fetch {PUBLISHED[NAME].url} on a machine that reaches it, copy it here, and give the path of"
    with pytest.raises(ValueError, match=where):
        load(NAME, cache=tmp_path, endpoint="http://127.0.0.1:9")  # the port of a service that discards all
