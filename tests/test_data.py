"""The traps of the data, one by one: shared pixels, the grey-level lattice, unbalanced or overlapping test crops."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from sklearn.ensemble import RandomForestClassifier

from labkit.config import Run
from labkit.data.digits import digits
from labkit.data.photos import photo, photos
from labkit.data.strips import across, not_flat, strips
from labkit.data.textures import FLAT, textures
from labkit.tasks import TASKS, task_of


def test_photos_are_real_and_read_only() -> None:
    every = photos()
    assert len(every) == 14
    for name, one in every.items():
        assert name == one.name
        assert one.pixels.dtype == np.uint8
        assert one.pixels.std() > 10, "a photograph is not one colour"
        assert one.title
        assert one.author
        assert one.licence
        with pytest.raises(ValueError, match="read-only"):
            one.pixels[0, 0] = 0
    assert "stereo_motorcycle" not in every


def test_photos_read_from_the_package_are_those_that_it_gives() -> None:
    for name in ("china", "flower"):
        assert np.array_equal(photo(name).pixels, load_sample_image(f"{name}.jpg"))


def test_square_photo() -> None:
    assert photo("brick").square(64).shape == (64, 64, 3)
    with pytest.raises(ValueError, match="no photograph 'cat'; there are astronaut"):
        photo("cat")
    with pytest.raises(ValueError, match="at least 1 pixel"):
        photo("brick").square(0)


def touched(task, places: list[np.ndarray], k: int) -> np.ndarray:
    """Columns of photograph k (its longer side) that crops at all these places touch, by way of the task's own
    indices."""
    width = int(task._widths[k])
    extremes = places[k][np.r_[places[k][:, 1].argmin(), places[k][:, 1].argmax(), 0 : min(200, len(places[k]))]]
    found = []
    for turn in range(8):
        labels = np.full(len(extremes), k)
        index = task.indices(labels, extremes, np.full(len(extremes), turn)) - task._starts[k]
        assert index.min() >= 0
        found.append(np.unique(index % width))
    return np.unique(np.concatenate(found))


@pytest.mark.parametrize("size", [8, 16, 32])
def test_train_validation_and_test_share_no_pixel(size: int) -> None:
    task = textures(size, names=("brick", "camera", "coffee", "gravel"))
    for k in range(len(task.names)):
        train, validation, test = (touched(task, places, k) for places in (task._train, task._validation, task._test))
        assert train.max() + size < validation.min(), "a guard strip one crop wide"
        assert validation.max() + size < test.min()
        assert len(train) > size


def test_batches_stay_on_their_side() -> None:
    """The same, from what training really draws: every pixel of many batches, marked on the photographs."""
    task = textures(16)
    seen = np.zeros(len(task._pixels), dtype=bool)
    original = task.indices

    def marked(*arguments):
        index = original(*arguments)
        seen[index.ravel()] = True
        return index

    task.indices = marked
    try:
        for step in range(150):
            task.batch(3, step, 64)
        trained = seen.copy()
        seen[:] = False
        task.validation()
        looked = seen.copy()
        seen[:] = False
        task.test()
    finally:
        del task.indices
    assert trained.sum() > 500_000
    assert not (trained & looked).any()
    assert not (trained & seen).any()
    assert not (looked & seen).any()


def test_test_crops_are_balanced_and_do_not_overlap() -> None:
    task = textures(16)
    _, labels = task.test()
    counts = torch.bincount(labels)
    assert counts.min() == counts.max() >= 50
    assert torch.bincount(task.validation()[1]).unique().numel() == 1
    for k, places in enumerate(task._test):
        index = task.indices(np.full(len(places), k), places, np.zeros(len(places), dtype=int))
        assert len(np.unique(index)) == index.size, "two test crops share a pixel"


def test_crops_are_a_function_of_seed_and_step() -> None:
    task = textures(16)
    (a, la), (b, lb) = task.batch(0, 5, 32), task.batch(0, 5, 32)
    assert torch.equal(a, b)
    assert torch.equal(la, lb)
    assert not torch.equal(task.batch(0, 6, 32)[0], a)
    assert not torch.equal(task.batch(1, 5, 32)[0], a)
    assert torch.equal(task.test()[0], task.test()[0])


def test_crops_are_standardised_and_none_is_flat() -> None:
    task = textures(16)
    images, labels = task.batch(0, 0, 512)
    assert images.shape == (512, 1, 16, 16)
    torch.testing.assert_close(images.mean((1, 2, 3)), torch.zeros(512), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std((1, 2, 3), unbiased=False), torch.ones(512), atol=1e-4, rtol=0)
    assert set(labels.tolist()) == set(range(14))
    for k, name in enumerate(task.names):
        grey = across(photo(name).grey()).astype(float)
        for row, column in task._train[k][:: len(task._train[k]) // 20]:
            assert grey[row : row + 16, column : column + 16].std() >= FLAT - 1e-6


def test_all_eight_turns_are_real_flips_and_transposes() -> None:
    task = textures(16, names=("brick", "coffee"))
    places = np.array([[40, 30]])
    label = np.array([1])
    crops = [task._pixels[task.indices(label, places, np.array([turn]))][0] for turn in range(8)]
    width = int(task._widths[1])
    upright = across(photo("coffee").grey())[40:56, 30:46]
    assert width == across(photo("coffee").grey()).shape[1]
    expected = {a.tobytes() for k in range(4) for t in (np.rot90(upright, k),) for a in (t.copy(), t.T.copy())}
    assert {crop.astype(np.uint8).tobytes() for crop in crops} == expected
    assert np.array_equal(crops[0], upright)


def lattice(images: torch.Tensor) -> np.ndarray:
    """What the lattice of grey levels gives away: the smallest gap between values, and how many values there are."""
    gaps = images.flatten(1).sort(dim=1).values.diff(dim=1)
    real = gaps > 1e-5
    smallest = torch.where(real, gaps, torch.inf).min(dim=1).values
    return np.stack([smallest.log().numpy(), real.sum(1).numpy()], axis=1)


def test_dither_closes_the_shortcut() -> None:
    def shortcut(dither: bool) -> float:
        task = textures(16, dither=dither)
        (x, y), (tx, ty) = task.batch(0, 0, 4000), task.test()
        forest = RandomForestClassifier(30, min_samples_leaf=5, random_state=0).fit(lattice(x), y.numpy())
        return float((forest.predict(lattice(tx)) == ty.numpy()).mean())

    undithered, dithered = shortcut(dither=False), shortcut(dither=True)
    assert undithered > 0.2, "the trap is real"
    assert dithered < 0.16, "near chance, 1 in 14"
    assert dithered < undithered / 1.5


def test_photograph_too_small_for_its_crops() -> None:
    with pytest.raises(ValueError, match="too small for crops of 200 pixels"):
        textures(200, names=("chelsea", "brick"))
    with pytest.raises(ValueError, match="no photograph 'nosuch'"):
        textures(16, names=("nosuch", "brick"))
    for names in ((), ("brick",), ("brick", "brick")):
        with pytest.raises(ValueError, match="two different photographs"):
            textures(16, names=names)
    with pytest.raises(ValueError, match="2 pixels or more"):
        textures(1)


def test_strips_cover_without_touching() -> None:
    split = strips(451, 16)
    assert split.train[0] == 0
    assert split.test[1] == 451
    assert split.validation[0] - split.train[1] == 16
    assert split.test[0] - split.validation[1] == 16


def test_not_flat_is_the_standard_deviation() -> None:
    grey = np.random.default_rng(0).integers(0, 12, size=(9, 11)).astype(np.uint8)
    expected = [[grey[r : r + 4, c : c + 4].std() >= 3.4 for c in range(8)] for r in range(6)]
    assert np.array_equal(not_flat(grey, 4, least=3.4), expected)


def test_digits_split() -> None:
    task = digits()
    parts = [set(task.split[name].tolist()) for name in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 1797
    assert len(torch.unique(task._images.flatten(1), dim=0)) == 1797, "a copy could stand on both sides"
    images, labels = task.batch(0, 0, 64)
    assert images.shape == (64, 1, 8, 8)
    assert images.min() >= -1
    assert images.max() <= 1
    assert labels.shape == (64,)
    with pytest.raises(ValueError, match="8 x 8"):
        digits(16)


@pytest.mark.parametrize("name", list(TASKS))
def test_tasks_give_what_the_loop_asks(name: str) -> None:
    task = task_of(Run(task=name, image_size=8))
    assert task.name == name
    for images, labels in (task.batch(0, 0, 4), task.validation(), task.test()):
        assert images.shape[1:] == (task.channels, 8, 8)
        assert images.dtype == torch.float32
        assert labels.max() < len(task.classes)
    assert task.data
    with pytest.raises(ValueError, match="task 'nosuch' is unknown; there are textures, digits"):
        task_of(Run(task="nosuch"))
