"""The benchmarks measure what they say: peers compute the same, ratios and intervals are right, the README quotes what
was measured. How fast anything is, no test asks."""

import importlib
import json
import math
import sys
from pathlib import Path

import pytest
import torch

from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.stats import interval
from labkit.tokenizers import Patches

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # they are commands beside each other, not a package
cases, gpu, gpu_case, plain, speed, suite_layer, suite_models, timing = map(
    importlib.import_module,
    ("cases", "gpu", "gpu_case", "plain", "speed", "suite_layer", "suite_models", "timing"),
)

MODELS = {
    "a class token, released flips, more than two chunks": {"side": 12, "token": True, "depth": 4},
    "a mean, alternate flips": {"side": 5, "token": False, "depth": 2, "flips": "alternate"},
    "no heading, one short chunk": {"side": 3, "token": True, "depth": 1, "heading": False},
    "one whole chunk with the heading average": {"side": 8, "token": False, "depth": 2, "flips": (True, False)},
}


def adventurer(side: int, token: bool, **options: object) -> Adventurer:
    head = ClassifyToken(64, 5, place="last") if token else Classify(64, 5)
    model = Adventurer(Patches(side, 1, 64, channels=1), head, state=8, **options).double()
    with torch.no_grad():
        for weight in model.parameters():  # biases and norms away from zero and one, where a slip would not show
            weight += 0.02 * torch.randn_like(weight)
    return model


@pytest.mark.parametrize("case", MODELS)
def test_the_plain_peer_is_the_model(case: str) -> None:
    """Value and every gradient, in float64."""
    model = adventurer(**MODELS[case])
    images = torch.randn(2, 1, MODELS[case]["side"], MODELS[case]["side"], dtype=torch.float64)
    torch.testing.assert_close(plain.plain_forward(model, images), model(images))
    labels = torch.tensor([1, 3])
    mine, theirs = (cases.gradients(one, images, labels) for one in (model, plain.Plain(model)))
    assert mine.keys() == theirs.keys() == dict(model.named_parameters()).keys()
    for name, gradient in mine.items():
        torch.testing.assert_close(gradient, theirs[name], msg=lambda said, name=name: f"{name}: {said}")


def test_pieces_of_the_mixer_are_those_of_a_block() -> None:
    block = cases.adventurer("Adventurer-Tiny", 16, 32, depth=1).blocks[0]
    assert block.tile_for(torch.empty(1, 5, suite_layer.WIDTH)) == suite_layer.TILE


@pytest.mark.parametrize(
    ("low", "high", "at_least", "verdict"),
    [(2, 3, True, "yes"), (1.9, 2.1, True, "not shown"), (1, 1.9, True, "no"), (2.1, 3, False, "no"),
     (1.9, 2.1, False, "not shown"), (1, 2, False, "yes")],
)  # fmt: skip
def test_a_goal_is_reached_by_the_whole_interval(low: float, high: float, at_least: bool, verdict: str) -> None:
    said = timing.goal_cell({"ratio": (low + high) / 2, "low": low, "high": high}, 2.0, at_least=at_least)
    assert said == f"at {'least' if at_least else 'most'} 2: {verdict}"


def test_memory_is_told_beside_its_goal() -> None:
    assert timing.memory_cell(None, 1e9) == "not measured"
    assert timing.memory_cell(1.5e9) == "1,500 MB"
    assert timing.memory_cell(1.5e9, 1e9) == "1,500 MB (at most 1,000: no)"
    assert timing.memory_cell(0.5e9, 1e9) == "500 MB (at most 1,000: yes)"


def test_a_mixer_in_pieces_is_the_mixer() -> None:
    mixer = suite_layer.Mamba2(16)
    tokens = torch.randn(1, suite_layer.TILE + 5, 16)
    torch.testing.assert_close(suite_layer.in_pieces(mixer)(tokens), mixer(tokens), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(suite_layer.find_spec("transformers") is None, reason="needs transformers, a peer")
def test_the_mixer_of_transformers_is_ours() -> None:
    mixer = suite_layer.Mamba2(suite_layer.WIDTH)
    tokens = torch.randn(1, 70, suite_layer.WIDTH)
    torch.testing.assert_close(suite_layer.theirs(mixer, 32)(tokens), mixer(tokens), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("token", [True, False])
def test_timms_model_is_ours(token: bool) -> None:
    head = ClassifyToken(48, 5) if token else Classify(48, 5)
    model = ViT(Patches(16, 4, 48), head, depth=2, heads=3)
    images, peer = torch.randn(2, 3, 16, 16), suite_models.timm_peer(model)
    found = suite_models.vit_agreement(model, peer, images, torch.tensor([0, 4]))
    assert 0 <= found["largest_difference"] < 1e-4 * found["largest_number"]
    with torch.no_grad():
        peer.blocks[1].mlp.fc1.bias[0] += 0.1
    with pytest.raises(SystemExit, match="do not compute the same"):
        suite_models.vit_agreement(model, peer, images, torch.tensor([0, 4]))


# ---------------------------------------------------------------- statistics


def test_a_ratio_is_a_geometric_mean_with_students_interval() -> None:
    """Two rounds, ratios 2 and 8: mean 4, and log 4 plus and minus 12.706 (t, 1 degree) times log 2."""
    found = timing.ratio([2.0, 8.0], [1.0, 1.0])
    reach = 12.706204736 * math.log(2)
    assert found["ratio"] == pytest.approx(4)
    assert found["low"] == pytest.approx(4 * math.exp(-reach))
    assert found["high"] == pytest.approx(4 * math.exp(reach))
    assert interval([math.log(2), math.log(8)]).low == pytest.approx(math.log(found["low"]))


@pytest.mark.parametrize(("factor", "verdict"), [(2.0, "yes"), (0.5, "no"), (1.0, "not shown")])
def test_speedup_says_who_is_faster(factor: float, verdict: str) -> None:
    other = [1.0, 3.0, 1.1, 2.9]  # rounds differ by far more than the two do: they are paired
    noise = [1.01, 0.99, 1.02, 0.98]
    found = timing.speedup([factor * one * part for one, part in zip(other, noise, strict=True)], other)
    assert found["ratio"] == pytest.approx(factor, rel=0.01)
    assert found["faster"] == verdict
    assert found["low"] < found["ratio"] < found["high"]


def test_rounds_are_whole_and_orders_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LEAST", 0.0)
    called = []
    works = {name: (lambda name=name: called.append(name)) for name in "abcd"}
    groups = [{name: works[name] for name in pair} for pair in ("ab", "cd")]
    seconds = timing.interleaved(groups, 20)
    assert {name: len(values) for name, values in seconds.items()} == dict.fromkeys("abcd", 20)
    rounds = ["".join(called[-80:][start : start + 4]) for start in range(0, 80, 4)]
    assert all({frozenset(one[:2]), frozenset(one[2:])} == {frozenset("ab"), frozenset("cd")} for one in rounds)
    assert set(rounds) > {rounds[0]}


@pytest.mark.parametrize("wrong", [1.01, math.nan])
def test_disagreement_stops(wrong: float) -> None:
    right = {"a": torch.tensor([1.0, 1000.0]), "b": torch.tensor([1.0])}
    assert timing.agreement("these", right, right) == {"largest_difference": 0, "largest_number": 1000}
    with pytest.raises(SystemExit, match="b differs"):
        timing.agreement("these", {**right, "b": torch.tensor([wrong])}, right)
    with pytest.raises(SystemExit, match="only on one side"):
        timing.agreement("these", {"a": right["a"]}, right)


# ---------------------------------------------------------------- suites


def test_the_floor_holds_the_linear_maps_of_the_blocks() -> None:
    """And nothing else: its FLOPs are those of in_proj, out_proj, w1, w2 and w3."""
    model = adventurer(4, True, depth=2)
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        cases.floor_of(model, 17)()
    per_block = [(one.mixer.in_proj, one.mixer.out_proj, one.mlp.w1, one.mlp.w2, one.mlp.w3) for one in model.blocks]
    expected = sum(2 * layer.weight.numel() * (17 + (k < 2)) for layers in per_block for k, layer in enumerate(layers))
    assert counter.get_total_flops() == expected


def test_a_step_of_both_peers_leads_to_the_same_weights() -> None:
    images, labels = torch.randn(2, 1, 6, 6, dtype=torch.float64), torch.tensor([0, 1])
    ends = []
    for wrap in (lambda model: model, plain.Plain):
        torch.manual_seed(0)
        model = adventurer(6, False, depth=1)
        cases.step_of(wrap(model), images, labels, clip=1.0)()
        ends.append(torch.nn.utils.parameters_to_vector(model.parameters()))
    torch.testing.assert_close(*ends)


@pytest.mark.parametrize("training", [True, False])
def test_a_case_of_the_gpu_suites(training: bool) -> None:
    """On a CPU, tiny: what is written down, and that failures are."""
    case = gpu_case.Case("labkit", "vit", 8, training, False, image_size=16, size="tiny", device="cpu")
    found = [gpu_case.measured(one, 2, 1e9, batches=(1, 2)) for one in (case, case.of("timm"))]
    assert [one["batch"] for one in found] == [2, 2]
    assert all(one["tokens_per_second"] == pytest.approx(2 * 4 / one["median_seconds"]) for one in found)
    flops = 2 * gpu_case.model_flops(case.shape) * (3 if training else 1)
    assert found[0]["utilisation"] == pytest.approx(flops / found[0]["median_seconds"] / 1e9)
    assert gpu.agreed(case)["largest_difference"] < 1e-4
    broken = gpu_case.measured(gpu_case.Case("labkit", "adventurer", 8, training, False, 16, "tiny", "nowhere"), 2, 1e9)
    assert "nowhere" in broken["error"]
    fits = {("labkit", 8): 2, ("timm", 8): None}
    result = {"cases": [*found, broken], "against_timm": [gpu_case.against_timm(case, fits, 2)]}
    assert "nothing to compare" in gpu.table(result)


def test_the_largest_batch_is_the_last_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    case = gpu_case.Case("labkit", "vit", 8, True, True, image_size=16, size="tiny", device="cpu")

    def work_of(case: gpu_case.Case, model: torch.nn.Module, batch: int) -> timing.Work:
        assert not case.compiled
        if batch > room:
            raise torch.OutOfMemoryError("full")
        return lambda: None

    monkeypatch.setattr(gpu_case, "work_of", work_of)
    monkeypatch.setattr(gpu_case, "release", lambda: None)
    model = torch.nn.Linear(1, 1)
    for room in (1, 5, 8, 10_000):
        assert gpu_case.largest_batch(case, model) == max(b for b in gpu_case.BATCHES if b <= room)
    room = 0
    with pytest.raises(torch.OutOfMemoryError):
        gpu_case.largest_batch(case, model)


# ---------------------------------------------------------------- results and README


def test_suites_are_merged_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "speed-cpu.json"
    speed.merge(path, "layer", {"skipped": "no peer"})
    speed.merge(path, "forward", {"rounds": 1})
    speed.merge(path, "layer", {"rounds": 2})
    speed.merge(path, "layer", {"skipped": "no peer"})
    speed.merge(path, "forward", {"rounds": 3})
    assert json.loads(path.read_text())["suites"] == {"forward": {"rounds": 3}, "layer": {"rounds": 2}}
    assert [file.name for file in tmp_path.iterdir()] == ["speed-cpu.json"]


def test_the_readme_has_a_place_for_each_suite() -> None:
    """And what is filled in goes there, and there only."""
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    new = speed.filled(readme, {name: {"skipped": f"reason of {name}"} for name in speed.SUITES})
    for name in speed.SUITES:
        place = new.partition(f"<!-- speed:{name} -->\n")[2].partition(f"<!-- /speed:{name} -->")[0]
        assert place == f"Not measured: reason of {name}.\n"
    with pytest.raises(ValueError, match="has no place <!-- speed:base -->"):
        speed.filled("", {"base": {"skipped": ""}})


def test_the_readme_quotes_the_committed_results(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = speed.committed()
    if not results:
        pytest.skip("nothing was measured yet")
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert speed.filled(readme, results) == readme, "run: python benchmarks/speed.py --write-readme"
    monkeypatch.setattr(sys, "argv", ["speed.py", "--table"])
    speed.main()
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert [line for line in printed if line not in readme] == []


def test_the_readme_quotes_how_soon_sliders_follow(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sliders = importlib.import_module("sliders")
    times = [{"first": [0.5, 1.25, 0.25], "again": [0.1, 0.25]}, {"first": [], "again": [0.15]}]
    made = {"lessons": {"a": times[:1], "b": times[1:]}, "machine": "M", "versions": {"v": "1"}, "time": "T"}
    assert sliders.table(made).splitlines()[2:] == [
        "| a | 1 | 3 | 500 ms | 1.25 s | 1 | 2 | 175 ms | 250 ms | 1 |",
        "| b | 1 | 0 | - | - | - | 1 | 150 ms | 150 ms | 0 |",
        "| all | 2 | 3 | 500 ms | 1.25 s | 1 | 3 | 150 ms | 250 ms | 1 |",
        "",
        "M; v 1; T.",
    ]
    monkeypatch.setattr(sys, "argv", ["sliders.py", "--table"])
    sliders.main()
    assert capsys.readouterr().out in (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
