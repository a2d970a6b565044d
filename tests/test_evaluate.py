"""Published models are evaluated as their authors do it: the same counts, the same loss, and one flip rule called
better only where the images show it."""

import hashlib
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from image_folders import PROTOCOL, SIZE, SYNSETS, adventurer, measure, picture, pictures, put, vit
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform
from torch import Tensor, nn
from torch.utils.data import DataLoader

from labkit import stats
from labkit.__main__ import main
from labkit.data import folders
from labkit.data.folders import ImageFolder, Protocol
from labkit.evaluate import as_text, compare, evaluate_published
from labkit.evaluate.words import _shown
from labkit.heads import ClassifyToken
from labkit.models import published
from labkit.models.adventurer import Adventurer
from labkit.models.published.hub import Checkpoint
from labkit.models.vit import ViT
from labkit.records import read_json
from labkit.tokenizers import Patches


class Told(nn.Module):
    """Answers with the logits that it is told, image after image, whatever it sees."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.tokenizer = SimpleNamespace(channels=3, image_size=(SIZE, SIZE), tokens=16)
        self.head = SimpleNamespace(linear=SimpleNamespace(out_features=logits.shape[1]))
        self.logits, self.at = nn.Parameter(logits), 0

    def forward(self, images: Tensor) -> Tensor:
        self.at += len(images)
        return self.logits[self.at - len(images) : self.at]


# ---------------------------------------------------------------- counts


def plainly(model: nn.Module, folder: Path, crop: float, several: int) -> tuple[int, int, float]:
    """Top-1, top-`several` and mean loss, by torchvision's folder, timm's transform and a loop."""
    transform = create_transform(SIZE, is_training=False, interpolation="bicubic", crop_pct=crop)
    first = among = loss = count = 0
    for pixels, labels in DataLoader(torchvision.datasets.ImageFolder(str(folder), transform), batch_size=4):
        with torch.no_grad():
            logits = model(pixels)
        for row, label in zip(logits, labels, strict=True):
            order = row.sort(descending=True).indices.tolist()
            first += order[0] == label
            among += label.item() in order[:several]
            loss += F.cross_entropy(row, label).item()
            count += 1
    return first, among, loss / count


@pytest.mark.parametrize(("classes", "several"), [(7, 5), (3, 3)])
@pytest.mark.parametrize("crop", [0.875, 1.0])
@pytest.mark.parametrize("make", [adventurer, vit])
def test_counts_are_those_of_a_plain_loop(
    tmp_path: Path, make: Callable[[int], nn.Module], crop: float, classes: int, several: int
):
    folder, model = pictures(tmp_path, "abcdefg"[:classes], each=5), make(classes)
    first, among, loss = plainly(model, folder, crop, several)
    for batch in (None, 1, 4, 64):
        result = measure(
            {"m": model}, ImageFolder(folder, Protocol(size=SIZE, crop=crop), classes=classes), batch=batch
        )
        found = result["models"]["m"]
        assert (found["top1"]["right"], found[f"top{several}"]["right"]) == (first, among)
        assert found["top1"]["mean"] == first / (5 * classes)
        assert found["loss"]["mean"] == pytest.approx(loss, rel=1e-5)
        assert (result["images"], result["batch"]) == (5 * classes, 64 if batch is None else batch)
    assert first < among or classes == 3


TOLD = torch.tensor(  # of six images, two in each of classes 0, 1 and 2 of six
    [[9, 0, 1, 2, 3, 4], [0, 5, 4, 3, 2, 1], [0, 9, 8, 7, 6, 5], [1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5],
     [0, 0, 9, 0, 0, 0]]
).float()  # fmt: skip


def test_known_counts(tmp_path: Path):
    images = ImageFolder(_six(tmp_path), PROTOCOL, classes=6)
    found = measure({"m": Told(TOLD)}, images, batch=4)["models"]["m"]
    losses = F.cross_entropy(TOLD, torch.tensor([0, 0, 1, 1, 2, 2]), reduction="none").double()
    assert (found["top1"]["right"], found["top5"]["right"]) == (3, 5)
    low, high = stats.binomial_interval(5, 6)[1:3]
    assert (found["top5"]["low"], found["top5"]["high"]) == (low, high)
    middle, low, high = stats.interval(losses.numpy())[:3]
    assert [found["loss"][name] for name in ("mean", "low", "high")] == pytest.approx([middle, low, high])


def _six(folder: Path) -> Path:
    """Two images in each of three classes of six; the others hold one that is not readable."""
    pictures(folder, "abc", each=2)
    for name in "def":
        put(folder / name / "0.jpg", b"")
    return folder


def test_limit_takes_the_first_of_each_class_and_says_so(tmp_path: Path):
    pictures(tmp_path / "all", "abc", each=4)
    pictures(tmp_path / "few", "abc", each=2)
    found = measure({"m": vit(3)}, ImageFolder(tmp_path / "all", PROTOCOL, classes=3), limit=2)
    few = measure({"m": vit(3)}, ImageFolder(tmp_path / "few", PROTOCOL, classes=3))
    assert (found["images"], found["limit"], few["limit"]) == (6, 2, None)
    assert found["models"] == few["models"]
    assert "Only the first 2 of each class" in as_text(found)
    assert "Only" not in as_text(few)


def test_workers_and_mixed_precision_change_nothing_but_rounding(tmp_path: Path):
    pictures(tmp_path, "abc", each=3)
    put(tmp_path / "b" / "bad.jpg", b"text")
    images = ImageFolder(tmp_path, PROTOCOL, classes=3)
    alone = measure({"m": vit(3)}, images, batch=2)
    beside = measure({"m": vit(3)}, images, batch=2, workers=2)
    assert beside["models"] == alone["models"]
    assert beside["unreadable"] == alone["unreadable"] == [["b/bad.jpg", "no image that PIL knows"]]
    rounded = measure({"m": vit(3)}, images, precision="bf16")
    assert rounded["models"]["m"]["loss"]["mean"] != alone["models"]["m"]["loss"]["mean"]
    assert rounded["models"]["m"]["loss"]["mean"] == pytest.approx(alone["models"]["m"]["loss"]["mean"], rel=0.05)


@pytest.mark.gpu
def test_a_gpu_counts_as_the_cpu_does(tmp_path: Path):
    """Its own workers and pinned memory; at most one image in fifty may lie so near a tie that it changes sides."""
    images = ImageFolder(pictures(tmp_path, "abcdefg", each=8), PROTOCOL, classes=7)
    models = {"as_released": adventurer(7), "alternate": adventurer(7, flips="alternate"), "vit": vit(7)}
    counts = {}
    for device, settings in (("cpu", {}), ("cuda", {}), ("cuda", {"precision": "bf16"})):
        found = measure(models, images, device=device, **settings)
        counts[device, *settings] = [model["top1"]["right"] for model in found["models"].values()]
        assert all(math.isfinite(model["loss"]["mean"]) for model in found["models"].values())
    exact = counts["cpu",]
    assert all(abs(a - b) <= 1 for a, b in zip(exact, counts["cuda",], strict=True))
    assert all(abs(a - b) <= 4 for a, b in zip(exact, counts["cuda", "precision"], strict=True))


def test_the_record_is_plain_json(tmp_path: Path):
    images = ImageFolder(pictures(tmp_path, "a"), PROTOCOL, classes=1)
    found = measure({"m": vit(1), "n": vit(1)}, images)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["models"]["m"]["loss"]["low"] is None, "one image has no spread"
    assert found["comparisons"][0]["share"] is None
    assert {"torch", "torchvision", "pillow"} <= found["versions"].keys()
    assert found["protocol"] == {
        "size": SIZE, "crop": 0.875, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("models", "settings", "words"),
    [
        ({}, {}, "no model was given"),
        ({"m": ViT(Patches(32, 4, 8), ClassifyToken(8, 2), depth=1, heads=1)}, {}, r"m is made for .*\(3, 32, 32\)"),
        ({"m": ViT(Patches((16, 8), 4, 8), ClassifyToken(8, 2), depth=1, heads=1)}, {}, r"\(3, 16, 8\)"),
        ({"m": ViT(Patches(16, 4, 8, channels=1), ClassifyToken(8, 2), depth=1, heads=1)}, {}, r"\(1, 16, 16\)"),
        ({"m": vit(3)}, {}, "of 3 classes; these come as .* of 2 classes"),
        ({"m": vit(2)}, {"batch": 0}, "batch=0 must be 1 or more"),
        ({"m": vit(2)}, {"limit": 0}, "limit=0 must be 1 or more"),
        ({"m": vit(2)}, {"workers": -1}, "workers=-1 must be 0 or more"),
        ({"m": vit(2)}, {"precision": "fp16"}, "precision 'fp16' is unknown"),
        ({"m": vit(2)}, {"unreadable": "ask"}, "unreadable 'ask' is unknown"),
    ],
)
def test_a_mistake_is_told_before_an_image_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: dict[str, nn.Module], settings: dict[str, Any], words: str
):
    images = ImageFolder(pictures(tmp_path, "ab"), PROTOCOL, classes=2)
    monkeypatch.setattr(folders, "read", lambda path: pytest.fail("an image was read"))
    with pytest.raises(ValueError, match=words):
        measure(models, images, **settings)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_not_finite_name_model_and_image(tmp_path: Path, value: float):
    images = ImageFolder(pictures(tmp_path, "ab", each=2), PROTOCOL, classes=2)
    logits = torch.zeros(4, 2)
    logits[2, 1] = value
    with pytest.raises(ValueError, match=r"odd answers b/0.png with logits that are not finite"):
        measure({"fine": Told(torch.zeros(4, 2)), "odd": Told(logits)}, images, batch=3)


# ---------------------------------------------------------------- which is better


@pytest.mark.parametrize(
    ("only_a", "only_b", "better"),
    [(0, 0, "not shown"), (1, 0, "not shown"), (4, 0, "not shown"), (0, 5, "not shown"), (6, 0, "a"), (0, 6, "b"),
     (8, 1, "a"), (10, 3, "not shown"), (20, 20, "not shown"), (10, 30, "b")],
)  # fmt: skip
@pytest.mark.parametrize("same", [0, 1000])
def test_better_is_said_only_of_images_that_differ_and_only_when_shown(
    only_a: int, only_b: int, better: str, same: int
):
    right_a = torch.tensor([True] * only_a + [False] * only_b + [True] * same + [False] * same).bool()
    right_b = torch.tensor([False] * only_a + [True] * only_b + [True] * same + [False] * same).bool()
    found = compare(right_a, right_b)
    assert (found.only_a, found.only_b, found.better) == (only_a, only_b, better)
    assert found.share == (stats.binomial_interval(only_a, only_a + only_b) if only_a + only_b else None)


def test_equal_models_are_seldom_called_different():
    """The share of false verdicts at each number of images that differ, from the binomial distribution itself."""
    for n in range(1, 41):
        chances = torch.distributions.Binomial(n, torch.tensor(0.5)).log_prob(torch.arange(n + 1.0)).exp()
        flags = [compare(torch.arange(n) < k, torch.arange(n) >= k).better != "not shown" for k in range(n + 1)]
        assert chances[torch.tensor(flags)].sum() <= 0.05


def labelled_by(rule: str, folder: Path, count: int, classes: int = 4) -> Path:
    """Images whose class is what the model answers under one rule."""
    model, random = adventurer(classes, flips=rule), np.random.default_rng(5)
    made = [Image.fromarray(random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)) for _ in range(count)]
    transform = Protocol(size=SIZE, crop=1.0).transform()
    with torch.no_grad():
        answers = model(torch.stack([transform(image) for image in made])).argmax(1).tolist()
    assert len(set(answers)) == classes
    for k, (image, answer) in enumerate(zip(made, answers, strict=True)):
        put(folder / str(answer) / f"{k:03}.png", image)
    return folder


def saved(model: Adventurer, path: Path) -> Path:
    """The model as a file under the released code's names."""
    save_file({name: t.detach().contiguous() for name, t in published.to_state_dict(model).items()}, path)
    return path


@pytest.mark.parametrize("rule", ["as_released", "alternate"])
def test_the_rule_that_made_the_labels_is_named(tmp_path: Path, rule: str):
    folder, file = labelled_by(rule, tmp_path / "images", 60), saved(adventurer(4), tmp_path / "m.safetensors")
    found = evaluate_published(str(file), folder, crop=1.0, device="cpu", progress=False)
    (comparison,) = found["comparisons"]
    assert list(found["models"]) == ["as_released", "alternate"]
    assert found["models"][rule]["top1"]["right"] == 60
    assert comparison["better"] == rule
    assert f"Shown: {rule} answers better than" in as_text(found)


def test_few_images_show_nothing(tmp_path: Path):
    folder = labelled_by("alternate", tmp_path / "images", 60)
    file = saved(adventurer(4), tmp_path / "m.safetensors")
    found = evaluate_published(str(file), folder, crop=1.0, limit=1, device="cpu", progress=False)
    assert found["comparisons"][0]["only_b"] > 0
    assert found["comparisons"][0]["better"] == "not shown"
    assert "Not shown: whether as_released or alternate answers better" in as_text(found)


# ---------------------------------------------------------------- published models and the command line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(adventurer(3), tmp_path / "model.safetensors")


def test_the_command_line_from_end_to_end(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]):
    folder, out = pictures(tmp_path / "images", "abc", each=3), tmp_path / "made" / "result.json"
    put(folder / "b" / "bad.jpg", b"")
    assert main(["eval", str(file), str(folder), "--out", str(out), "--batch", "4", "--device", "cpu"]) == 0
    written, said = read_json(out), capsys.readouterr().out
    assert as_text(written) in said
    assert "as_released" in said
    assert "b/bad.jpg: the file is empty" in said
    assert "10/10" in said, "progress"
    (folder / "b" / "bad.jpg").unlink()
    for rule in ("as_released", "alternate"):
        found = written["models"][rule]
        first, among, loss = plainly(adventurer(3, flips=rule), folder, 1.0, 3)  # patches below 16: no crop
        assert (found["top1"]["right"], found["top3"]["right"]) == (first, among)
        assert found["loss"]["mean"] == pytest.approx(loss, rel=1e-5)
    assert (written["model"], written["images"], written["protocol"]["crop"]) == (str(file), 9, 1.0)
    assert "reported" not in written
    assert written["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("options", "models", "protocol"),
    [
        (["--flips", "never"], ["never"], {"size": SIZE, "crop": 1.0}),
        (["--crop", "0.5", "--flips", "both"], ["as_released", "alternate"], {"size": SIZE, "crop": 0.5}),
        (["--image-size", "32", "--limit", "1"], ["as_released", "alternate"], {"size": 32, "crop": 1.0}),
        (["--image-size", "64", "--precision", "bf16"], ["as_released", "alternate"], {"size": 64, "crop": 0.875}),
    ],
)
def test_options_take_effect(tmp_path: Path, file: Path, options: list[str], models: list[str], protocol: dict):
    folder, out = pictures(tmp_path / "images", "abc", each=2), tmp_path / "result.json"
    assert main(["eval", str(file), str(folder), "--out", str(out), *options]) == 0
    written = read_json(out)
    assert list(written["models"]) == models
    assert protocol.items() <= written["protocol"].items()
    assert written["images"] == (3 if "--limit" in options else 6)
    assert written["precision"] == ("bf16" if "bf16" in options else "fp32")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--crop", "1.5"], "crop 1.5 is a share"),
        (["--crop", "much"], "--crop"),
        (["--flips", "sometimes"], "flips 'sometimes' is unknown"),
        (["--image-size", "17"], "not a multiple of patch size 4"),
        (["--subset"], "subset with a head of 3 classes"),
        (["--limit", "0"], "limit=0 must be 1 or more"),
        (["--batch", "x"], "'x' is not a whole number"),
        (["--precision", "half"], "precision 'half' is unknown"),
        (["--device", "tpu"], "device 'tpu' is unknown"),
        (["--unreadable", "ask"], "unreadable 'ask' is unknown"),
        (["--unreadable", "stop"], "a/bad.png: the file is empty; stopped"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_a_wrong_option_ends_with_one_paragraph(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
):
    folder, out = pictures(tmp_path / "images", "abc"), tmp_path / "result.json"
    put(folder / "a" / "bad.png", b"")
    assert main(["eval", str(file), str(folder), "--out", str(out), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith("labkit: ")
    assert words in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_a_folder_that_is_not_there_is_told_before_weights_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(published, "fetched", lambda *_, **__: pytest.fail("weights were fetched"))
    with pytest.raises(ValueError, match="is no folder"):
        evaluate_published("adventurer_tiny_patch16_224", tmp_path / "nosuch")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_can_be_written(tmp_path: Path, file: Path):
    folder, out = pictures(tmp_path / "images", "abc"), tmp_path / "result.json"
    put(Path(os.fsdecode(os.fsencode(folder / "a") + b"/gr\xfc\xdf.jpg")), b"")
    evaluate_published(str(file), folder, out=out, device="cpu", progress=False)
    assert read_json(out)["unreadable"] == [["a/gr\\xfc\\xdf.jpg", "the file is empty"]]


@pytest.mark.parametrize("name", ["nosuch", "gone.pth", "text.safetensors"])
def test_a_model_that_is_not_there_ends_with_one_paragraph(tmp_path: Path, name: str, capsys):
    (tmp_path / "text.safetensors").write_text("not weights")
    where = name if name == "nosuch" else str(tmp_path / name)
    assert main(["eval", where, str(pictures(tmp_path / "images", "abc"))]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("place", ["folder", "file/result.json"])
def test_a_result_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(published, "load", lambda *_, **__: pytest.fail("the work was started"))
    assert main(["eval", "m.pth", str(tmp_path), "--out", str(tmp_path / place)]) == 2
    assert "nothing was started" in capsys.readouterr().err


def test_a_vit_of_timm_brings_its_own_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    monkeypatch.setattr(published, "from_timm", lambda name, image_size: sizes.append(image_size) or vit(1000))
    folder = pictures(tmp_path, SYNSETS[:3])
    name = "vit_base_patch16_224.augreg_in21k_ft_in1k"
    found = evaluate_published(name, folder, image_size=SIZE, subset=True, device="cpu", progress=False)
    half = [0.5, 0.5, 0.5]
    assert found["protocol"] == {"size": SIZE, "crop": 0.9, "mean": half, "std": half}
    assert (list(found["models"]), found["comparisons"], sizes) == ([name], [], [SIZE])
    found = evaluate_published(name, folder, crop=1, subset=True, device="cpu", progress=False)
    assert found["protocol"]["crop"] == 1
    with pytest.raises(ValueError, match="flips='both' has no effect on deit_small_patch16_224"):
        evaluate_published("deit_small_patch16_224", folder, flips="both")


def test_a_reported_accuracy_is_held_beside_only_what_it_is_about(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(published.PUBLISHED, "tiny", Checkpoint("somebody/models", "tiny.pth", SIZE, 61.5))
    monkeypatch.setattr(published, "fetched", lambda *_, **__: file)
    found = evaluate_published("tiny", pictures(tmp_path / "images", "abc"), device="cpu", progress=False)
    assert found["reported"] == {"top1": 0.615, "image_size": SIZE, "crop": 1.0}
    assert "report 61.5 % top-1" in as_text(found)
    assert "other images than these, or prepared otherwise" in as_text(found)
    found["images"] = 50_000
    found["protocol"]["crop"] = 0.9
    assert "other images than these, or prepared otherwise" in as_text(found)
    found["protocol"]["crop"] = 1.0
    for mean, rule in zip([0.6142, 0.4], ("as_released", "alternate"), strict=True):
        found["models"][rule]["top1"]["mean"] = mean
    assert "in points from that: as_released -0.08, alternate -21.50." in as_text(found)


def test_a_verdict_at_the_level_of_chance_says_so():
    share = {"mean": 0.1, "low": 0.03, "high": 0.2}
    compared = {"a": "as_released", "b": "alternate", "only_a": 9, "only_b": 1, "share": share, "p": 0.02}
    models = {rule: {"top1": {"mean": 0.3, "low": 0.2, "high": 0.4}} for rule in ("as_released", "alternate")}
    for classes, words in (
        (9, "so of these two rules it fits the weights better. Of 10 images"),
        (4, "neither may be right"),
    ):
        result = {"classes": classes, "models": models, "comparisons": [compared | {"better": "as_released"}]}
        (line,) = (
            line for line in _shown(result) if line.startswith("Shown: as_released answers better than alternate")
        )
        assert words in line


def test_rules_that_are_the_same_are_evaluated_once(tmp_path: Path):
    """One block never flips as released, and neither does it alternately."""
    flat = Adventurer(Patches(SIZE, 4, 32), ClassifyToken(32, 3, place="last"), depth=1, state=8)
    path = saved(flat, tmp_path / "model.safetensors")
    found = evaluate_published(str(path), pictures(tmp_path / "images", "abc"), device="cpu", progress=False)
    assert list(found["models"]) == ["as_released"]


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224.augreg_in21k_ft_in1k", "deit_tiny_patch16_224"])
@torch.no_grad()
def test_a_vit_of_timm_end_to_end_as_timm_does_it(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    """timm's own model, its own settings of the data, its own transform, and torchvision's folder, beside ours."""
    theirs = timm.create_model(name, depth=1).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.1)
    folder, chosen = tmp_path, [SYNSETS[k] for k in (3, 500, 999)]
    for k, synset in enumerate(chosen):
        put(folder / synset / "a.jpg", picture(301 - 60 * k, 230 + 70 * k, seed=k))
    settings = timm.data.resolve_data_config(theirs.pretrained_cfg)
    data = torchvision.datasets.ImageFolder(str(folder), timm.data.create_transform(**settings, is_training=False))
    logits = torch.stack([theirs(pixels[None])[0] for pixels, _ in data])
    labels = torch.tensor([3, 500, 999])
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: theirs)
    found = evaluate_published(name, folder, subset=True, device="cpu", progress=False)
    assert found["order"] == "synsets"
    assert found["models"][name]["loss"]["mean"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert found["models"][name]["top1"]["right"] == (logits.argmax(1) == labels).sum()


def test_the_table_in_words():
    """Numbers stand where their titles say, with both bounds; a missing bound is said."""
    share = {"mean": 0.75, "low": 0.7123, "high": 0.8}
    found = {"top1": share, "top5": share | {"high": 1.0}, "loss": {"mean": 1.5, "low": None, "high": None}}
    rest = {"model": "m", "images": 1, "classes": 9, "missing": 0, "empty": [], "ignored": 0, "limit": None}
    rest["order"] = "alphabet"
    protocol = {"size": 64, "crop": 0.875}
    result = {**rest, "protocol": protocol, "precision": "fp32", "device": "cpu", "comparisons": [], "unreadable": []}
    lines = as_text(result | {"models": {"never": found}}).splitlines()
    assert lines[0] == "m: 1 image of 9 classes, 64 px, crop 0.875; fp32 on cpu"
    titles, numbers = lines[2:4]
    for title, number in (
        ("flips", "never"),
        ("top-1 % (95 % interval)", "75.00 (71.23 to 80.00)"),
        ("top-5 % (95 % interval)", "75.00 (71.23 to 100.00)"),
        ("loss (95 % interval)", "1.5000 (no bound to no bound)"),
    ):
        assert titles.index(title) == numbers.index(number, titles.index(title))


def test_many_unreadable_files_are_counted(tmp_path: Path):
    pictures(tmp_path, "a")
    for k in range(14):
        put(tmp_path / "a" / f"bad{k:02}.jpg", b"")
    found = measure({"m": vit(1)}, ImageFolder(tmp_path, PROTOCOL, classes=1))
    words = as_text(found)
    assert len(found["unreadable"]) == 14
    assert "14 images could not be read and do not count:" in words
    assert "bad09.jpg" in words
    assert "bad10.jpg" not in words
    assert "and 4 more" in words
