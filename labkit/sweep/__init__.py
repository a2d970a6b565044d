"""Sweeps: a grid of runs, trained side by side, that may be killed at any time and goes on where it was.

    runs = grid(model=["vit", "adventurer"], patch_size=[16, 8, 4], seed=[0, 1, 2], steps=600)
    found = sweep(runs, Path("results/first"))

Each run is a file of its own, written whole or not at all; all files together are merged into one of JSON lines.
"""

from labkit.sweep.description import described as described
from labkit.sweep.description import grid as grid
from labkit.sweep.engine import Outcome as Outcome
from labkit.sweep.engine import Progress as Progress
from labkit.sweep.engine import foreseen as foreseen
from labkit.sweep.engine import missing as missing
from labkit.sweep.engine import side_by_side as side_by_side
from labkit.sweep.engine import sweep as sweep
from labkit.sweep.folder import name_of as name_of
from labkit.sweep.folder import read_lines as read_lines
from labkit.sweep.folder import recorded_runs as recorded_runs
from labkit.sweep.folder import values_by as values_by
from labkit.sweep.prediction import Prediction as Prediction
from labkit.sweep.prediction import predict as predict
