"""Three laws of how a loss changes with patch size, tokens or FLOPs, and the table of their names.

The paper (Wang et al., "Scaling Laws in Patchification", 2025, arXiv 2502.03738) prints neither a formula nor an
exponent: it draws straight lines. On its axes these are power laws where tasks are dense, and power laws above a
constant that the axis hides where images are classified. A straight line over ln x is what both have to beat.

Letters: x > 0 is a patch size p, a number of tokens or of FLOPs, y > 0 the loss in its own unit; a, b, c as in each
formula, for x itself. Over p the exponent b is positive, over tokens and FLOPs negative. D rows of losses are fitted
at once, n points each. Inside the package a parameter that is above 0 by its law is kept as its logarithm, its
*coordinate*: the a of 10^15 FLOPs to the power b may be too large or too small for a float, its logarithm never is.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from labkit.scaling.points import Numbers, above_zero
from labkit.scaling.projection import GRID, PIECE, Solution, line, lowest, offset_and_scale

REACH = 40.0  # an exponent is looked for where x^b changes by e^40 at most: beyond, all points but one are alike
BELOW = 1 - 1e-9  # c stays below the smallest loss by this factor
WIDE = 1e9  # a line's parameters are looked for up to so many times the largest loss


@dataclass(frozen=True)
class Law(ABC):
    """A law by its name, its formula and its parameters, and how it is fitted. A new one is a class and a line in
    LAWS."""

    name: str
    formula: str
    parameters: tuple[str, ...]
    logarithmic: ClassVar[frozenset[str]] = frozenset()

    def curve(self, x: Numbers, parameters: Mapping[str, Any]) -> np.ndarray:
        """The loss (n,) that the law with these parameters gives at x (n,).

        ValueError when a parameter is missing, unknown, or not above 0 where the law wants it so, and when an x is not
        above 0. Used in lesson 07.
        """
        log_x = np.log(np.atleast_1d(above_zero("x", x)))
        if set(parameters) != set(self.parameters):
            raise ValueError(
                f"parameters {sorted(parameters)}: {self.name} has {', '.join(self.parameters)}, without each of them "
                "and nothing else there is no curve"
            )
        return self.heights(self.coordinates(parameters), log_x)

    def coordinates(self, parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Some or all parameters as they are kept inside. ValueError when one is not finite or cannot be kept so."""
        found = {name: np.asarray(value, dtype=np.float64) for name, value in parameters.items()}
        for name, value in found.items():
            if not np.isfinite(value).all() or (name in self.logarithmic and (value <= 0).any()):
                rule = "above 0 and finite" if name in self.logarithmic else "finite"
                raise ValueError(f"{name} is {value}: in {self.formula} it is {rule}, otherwise no loss follows")
        return {name: np.asarray(np.log(value)) if name in self.logarithmic else value for name, value in found.items()}

    def value(self, name: str, coordinate: Numbers) -> np.ndarray:
        """A parameter from its coordinate; 0 or inf where it is beyond what a float can be."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(coordinate) if name in self.logarithmic else coordinate, dtype=np.float64)

    def solve(self, log_x: np.ndarray, y: np.ndarray, weights: np.ndarray, fixed: Mapping[str, np.ndarray]) -> Solution:
        """Weighted least squares in each row of y (D, n); coordinates in `fixed`, (D,) each, are kept."""
        rows = max(1, PIECE // (GRID * len(log_x)))
        parts = [
            self._solve(log_x, y[k : k + rows], weights, {name: value[k : k + rows] for name, value in fixed.items()})
            for k in range(0, len(y), rows)
        ]
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in self.parameters}
        return Solution(values, np.concatenate([part.cost for part in parts]))

    @abstractmethod
    def heights(self, coordinates: Mapping[str, Any], log_x: np.ndarray) -> np.ndarray:
        """The curve (n,) for one set of coordinates, or (D, n) for D of them."""

    @abstractmethod
    def limits(self, parameter: str, log_x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Between which values the coordinate of a parameter is looked for, given one row y (n,)."""

    @abstractmethod
    def standing(self, solution: Solution, log_x: np.ndarray, y: np.ndarray) -> Sequence[tuple[str, str, np.ndarray]]:
        """At which bounds a solution stands: a parameter, words, and for which rows (D,) they are true."""

    @abstractmethod
    def _solve(self, log_x: np.ndarray, y: np.ndarray, weights: np.ndarray, fixed: dict[str, np.ndarray]) -> Solution:
        """`solve` for as many rows as fit into the cache."""


class PowerLaw(Law):
    """a x^b, and c + a x^b with 0 <= c < the smallest loss, of which the first is the case c = 0. a > 0 in both."""

    logarithmic: ClassVar[frozenset[str]] = frozenset({"a"})

    def heights(self, coordinates: Mapping[str, Any], log_x: np.ndarray) -> np.ndarray:
        log_a, b, c = (np.asarray(coordinates.get(name, 0.0))[..., None] for name in "abc")
        with np.errstate(over="ignore"):
            return c + np.exp(log_a + b * log_x)

    def limits(self, parameter: str, log_x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        end = REACH / float(np.ptp(log_x))
        if parameter == "c":
            return 0.0, float(y.min()) * BELOW
        turn = end * float(np.abs(log_x).max())
        log_y = np.log(y)
        return (-end, end) if parameter == "b" else (log_y.min() + np.log(1 - BELOW) - turn, log_y.max() + turn)

    def standing(self, solution: Solution, log_x: np.ndarray, y: np.ndarray) -> Sequence[tuple[str, str, np.ndarray]]:
        steep = np.abs(solution.values["b"]) >= (1 - 1e-6) * REACH / np.ptp(log_x)
        found = [("b", "b is at the end of where it is looked for", steep)]
        if "c" in self.parameters:
            c, most = solution.values["c"], y.min(axis=1) * BELOW
            found += [("c", "c is at its lower bound, 0", c <= 0)]
            found += [("c", "c is at its upper bound, the smallest loss", c >= most)]
        return found

    def _solve(self, log_x: np.ndarray, y: np.ndarray, weights: np.ndarray, fixed: dict[str, np.ndarray]) -> Solution:
        kept = fixed if "c" in self.parameters else {**fixed, "c": np.zeros(len(y))}
        most, log_a, c = y.min(axis=1) * BELOW, kept.get("a"), kept.get("c")

        def rest(b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return offset_and_scale(b, log_x, y, weights, most=most, log_a=log_a, c=c)

        b = kept["b"] if "b" in kept else lowest(lambda b: rest(b)[2], *self._range(log_x, y, most, log_a, c))
        log_a, c, cost = (part[:, 0] for part in rest(b[:, None]))
        values = {"a": log_a, "b": b, "c": c}
        return Solution({name: values[name] for name in self.parameters}, cost)

    def _range(
        self, log_x: np.ndarray, y: np.ndarray, most: np.ndarray, log_a: np.ndarray | None, c: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """From where to where b is looked for: REACH, or with a given a only where a x^b meets some y - c, because
        outside each single square grows with the distance."""
        end = np.array([REACH / np.ptp(log_x)])
        if log_a is None:
            return -end, end
        u, rows = log_x[log_x != 0], y[:, log_x != 0]
        offsets = (np.zeros_like(most), most) if c is None else (c,)
        meeting = [(np.log(rows - offset[:, None]) - log_a[:, None]) / u for offset in offsets]
        ends = np.clip(np.concatenate(meeting, axis=1), -end, end)
        return ends.min(axis=1), ends.max(axis=1)


class LogLinear(Law):
    """a + b ln x: the same step of the loss for each halving of x. Linear in both parameters, so nothing is searched
    for."""

    def heights(self, coordinates: Mapping[str, Any], log_x: np.ndarray) -> np.ndarray:
        a, b = (np.asarray(coordinates[name])[..., None] for name in "ab")
        return a + b * log_x

    def limits(self, parameter: str, log_x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        slope = WIDE * float(y.max() / np.ptp(log_x))
        reach = slope if parameter == "b" else WIDE * float(y.max()) + slope * float(np.abs(log_x).max())
        return -reach, reach

    def standing(self, solution: Solution, log_x: np.ndarray, y: np.ndarray) -> Sequence[tuple[str, str, np.ndarray]]:
        return []

    def _solve(self, log_x: np.ndarray, y: np.ndarray, weights: np.ndarray, fixed: dict[str, np.ndarray]) -> Solution:
        return line(log_x, y, weights, **fixed)


LAWS: dict[str, Law] = {
    "power": PowerLaw("power", "a x^b", ("a", "b")),
    "shifted power": PowerLaw("shifted power", "c + a x^b", ("a", "b", "c")),
    "log-linear": LogLinear("log-linear", "a + b ln x", ("a", "b")),
}


def law_of(name: str) -> Law:
    """The law of this name. ValueError, with the names that there are, for another one."""
    if name not in LAWS:
        raise ValueError(f"law {name!r} is not one of {', '.join(LAWS)}: without a formula nothing can be fitted")
    return LAWS[name]
