"""Seconds by kind of operation, and features as colours."""

import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit.cost.parts import REST, kind_of, seconds_by_kind
from labkit.figures.features import as_colours, features_figure, pieces_figure, seconds_figure

OPERATIONS = {
    "mm": "linear layers", "addmm": "linear layers", "bmm": "products between tokens", "exp": "exponentials and gates",
    "exp_": "exponentials and gates", "silu_backward": "exponentials and gates", "_softmax": "exponentials and gates",
    "copy_": "copies", "_to_copy": "copies", "_scaled_dot_product_flash_attention_for_cpu": "products between tokens",
    "expand": REST, "mul": REST, "addcmul_": REST, "catalogue": REST,
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_kinds_of_operations(name: str) -> None:
    assert kind_of(name) == OPERATIONS[name]


def test_seconds_go_to_the_kind_that_takes_them() -> None:
    layer, tokens = nn.Linear(256, 256, bias=False), torch.randn(4096, 256)

    def work() -> None:
        with torch.no_grad():
            for _ in range(5):
                layer(tokens)
            F.silu(tokens[:1])

    work()
    began = time.perf_counter()
    found = seconds_by_kind(work)
    assert sum(found.values()) <= time.perf_counter() - began
    assert next(iter(found)) == "linear layers", "the longest first"
    assert 0 < found["exponentials and gates"] < found["linear layers"]
    assert found["products between tokens"] == found["copies"] == 0


def test_colours_show_what_varies_most() -> None:
    """Two halves of a picture that differ in one number are two colours; their noise in others is not seen."""
    features = np.random.default_rng(0).normal(scale=1e-3, size=(6, 8, 5)).astype(np.float32)
    features[:, 4:, 2] += 10
    colours, share = as_colours(features)
    assert colours.shape == (6, 8, 3)
    assert share == pytest.approx(1, abs=1e-3)
    assert (colours[:, :4, 0] < 40).all()
    assert (colours[:, 4:, 0] > 215).all(), "the direction is turned so that more of it is brighter"


@pytest.mark.parametrize("width", [1, 2, 7])
def test_colours_of_few_directions_and_of_none(width: int) -> None:
    colours, share = as_colours(np.ones((3, 4, width), dtype=np.float32))
    assert colours.shape == (3, 4, 3)
    assert share == 0
    assert as_colours(np.random.default_rng(0).normal(size=(3, 4, width)))[1] > 0


def test_figures_say_what_they_show() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    figure = features_figure(pixels, pixels[:4, :4], block=3, share=0.5, weights="random")
    assert "16 tokens" in figure.layout.title.text
    assert "after 3 blocks" in figure.layout.title.text
    pieces = pieces_figure([64, 785], [2.0, 3.0], [10.0, 40.0], tokens=784)
    assert [list(trace.y) for trace in pieces.data if len(trace.y) == 2] == [[2.0, 3.0], [10.0, 40.0]]
    parts = {"linear layers": 2.0, "copies": 0.5}
    assert {2.0, 0.5} <= {float(x) for trace in seconds_figure(parts, title="t").data for x in trace.x}
