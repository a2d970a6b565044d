"""Figures of lessons 06 and 08: what stands in them is what was put in, at every value of their sliders."""

import math

import pytest

from labkit import stats
from labkit.figures.compute import Point, budget_figure, equal_figure, front_figure
from labkit.figures.surface import controls_figure, halvings_figure, surface_figure
from labkit.lesson.sliders import Slider
from labkit.scaling import halvings
from labkit.stats import Interval

LOSSES = {
    (16, 150): {0: 2.5, 1: 2.52, 2: 2.47},
    (8, 150): {0: 2.6, 1: 2.64, 2: 2.61},
    (16, 600): {0: 2.2, 1: 2.21, 2: 2.23},
    (8, 600): {0: 2.0, 1: 2.04, 2: 2.01},
    (4, 600): {0: 2.1},
}
SURFACES = {"ViT": LOSSES, "Adventurer": {place: seeds for place, seeds in LOSSES.items() if place[1] == 600}}


def traces(figure, name, *, column):
    axis = "x" if column == 1 else f"x{column}"
    return [trace for trace in figure.data if trace.name == name and (trace.xaxis or "x") == axis]


def test_a_cut_through_the_surface_shows_means_intervals_and_each_seed():
    figure = surface_figure(SURFACES, 600, image_size=16)
    (line,) = traces(figure, "ViT", column=1)
    found = stats.interval([2.0, 2.04, 2.01])
    assert list(line.x) == [16, 8, 4]
    assert line.y[1] == pytest.approx(found.mean)
    assert line.error_y.array[1] == pytest.approx(found.high - found.mean)
    assert line.error_y.array[2] is None  # one seed has no interval
    (seeds,) = traces(figure, "each seed", column=1)
    assert sorted(seeds.y) == sorted([2.2, 2.21, 2.23, 2.0, 2.04, 2.01, 2.1])
    (grey,) = traces(figure, "150 steps", column=1)
    assert list(grey.x) == [16, 8]
    says = figure.layout.meta["says"]
    assert f"p = 8 {found.mean:.3f} ± {found.high - found.mean:.3f}" in says
    assert "p = 16 (one token) 2.213 ±" in says
    assert "p = 4 2.100 (one seed)" in says


def test_where_a_model_was_not_run_the_figure_says_so():
    assert "Adventurer: nothing was run" in surface_figure(SURFACES, 150, image_size=16).layout.meta["says"]


def test_the_slider_over_budgets_has_all_its_frames():
    slider = Slider("training steps", [150, 600], lambda steps: surface_figure(SURFACES, steps, image_size=16))
    assert [frame.name for frame in slider.frames().frames] == ["150", "600"]


def test_gains_stand_at_their_budgets_and_the_words_say_where_they_pay():
    found = {name: halvings(losses) for name, losses in SURFACES.items()}
    figure = halvings_figure(found)
    (first,) = traces(figure, "16 to 8", column=1)
    assert list(first.y) == pytest.approx([one.mean for one in found["ViT"][0].gains.values()])
    assert first.x[1] / first.x[0] == pytest.approx(4)
    says = figure.layout.meta["says"]
    assert "ViT: 16 to 8 pays from 600 steps on, 8 to 4 not shown to help or to harm at 600 steps" in says


def test_controls_stand_at_their_rows():
    change = Interval(0.2, 0.1, 0.3, 3, 0.95, "paired t")
    figure = controls_figure(
        {"shuffled": {"ViT": change, "Adventurer": change}, "no heading": {"Adventurer": change}},
        title="Controls", quantity="change of the loss, nats",
    )  # fmt: skip
    assert [trace.name for trace in figure.data] == ["ViT", "Adventurer"]
    assert len(figure.data[0].x) == 1
    assert len(figure.data[1].x) == 2
    assert round(figure.data[1].y[1]) == 1  # the second of two rows
    assert "shuffled +0.200 ± 0.100" in figure.layout.meta["says"]


def test_losses_stand_over_what_they_took_whatever_the_measure():
    per_step = {"steps": 1, "model FLOPs": 10**9, "seconds": 0.01}
    costs = {
        measure: {name: {16: one, 8: 4 * one, 4: 16 * one} for name in SURFACES} for measure, one in per_step.items()
    }
    slider = Slider("measure", list(per_step), lambda name: budget_figure(SURFACES, costs[name], name, image_size=16))
    slider.frames()
    figure = slider.figure("seconds")
    (line,) = traces(figure, "p = 8", column=1)
    assert list(line.x) == pytest.approx([4 * 0.01 * 150, 4 * 0.01 * 600])
    assert line.y[0] == pytest.approx(stats.mean([2.6, 2.64, 2.61]))


def test_equal_compute_marks_the_lowest_and_leaves_out_what_was_not_run():
    one, two = Interval(1.2, 1.1, 1.3, 3, 0.95, "t"), Interval(1.0, -math.inf, math.inf, 1, 0.95, "one value")
    shared = {"measure": "model FLOPs", "spread": (0.8, 1.4), "image_size": 16}
    figure = equal_figure({"ViT": {16: one, 8: two, 4: None}}, amount="1e12 FLOPs", **shared)
    assert list(traces(figure, "ViT", column=1)[0].x) == [16, 8]
    assert list(traces(figure, "lowest", column=1)[0].x) == [8]
    nothing = equal_figure({"ViT": {16: None}}, amount="1 FLOP", **shared)
    assert "ViT: nothing was run" in nothing.layout.meta["says"]
    assert len(nothing.data) == len(figure.data)


def test_a_front_of_accuracies_is_told_in_accuracies():
    groups = {"Tiny": [Point("16", 1e9, 28.0), Point("8", 4e9, 30.0)], "Base": [Point("16", 2e9, 20.0)]}
    shared = {"measure": "MACs of an image", "title": "The front"}
    figure = front_figure(groups, quantity="accuracy, %", flipped=True, **shared)
    assert list(figure.data[0].y) == [72.0, 80.0]
    assert "stand: Tiny p = 16 (72), Base p = 16 (80)" in figure.layout.meta["says"]
    losses = front_figure(groups, quantity="loss", **shared)
    assert list(losses.data[0].y) == [28.0, 20.0]
