"""What any predictor has to hold: reproducible, in the units of the losses, at ease with few, equal and odd records."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from netwright.core import Arch, SearchSpace
from netwright.predictors.protocols import Fitted, Numbers, Predictor
from netwright.spaces import Space, cell, choice, integer, nn, real, repeat, subset
from netwright.testing.copies import pickled_copy
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_predictor"]

_TAU = 0.3  # between what is guessed and what is true, on an easy function
_TOLERANCE = 1e-3  # of the spread of the losses: what an arch's company may change


def check_predictor(predictor: Predictor, space: SearchSpace | None = None, *, n_arches: int = 40) -> None:
    """Check that a predictor keeps its contract, on one space or on several small ones.

    Checked: it is a frozen, hashable, picklable object; what it learns depends on the records and the generator alone;
    no global random state is touched and no input changed; means and standard deviations are finite, of the right
    shape and in the units of the losses, the latter not negative; what it says of an arch doesn't depend on which
    others are asked for; on an easy function it is better than the mean; one record, two, equal losses, one arch with
    several losses and huge losses are learned from; losses that aren't finite are refused.

    Args:
        predictor: the predictor.
        space: where to try it; small spaces of cells, of nested decisions and of flat ones if not given.
        n_arches: to learn from, and as many to try it on.

    Example:
        >>> from netwright.predictors import Ridge
        >>> check_predictor(Ridge())

    Raises:
        AssertionError: saying which rule is broken.
    """
    _check_object(predictor)
    tried = _spaces() if space is None else [space]
    for number, one in enumerate(tried):
        arches = _different(one, 2 * n_arches)
        # Linear in what every space says of its arches, and far from zero.
        encodings = np.stack([one.encode(arch) for arch in arches])
        losses = 50 + 10 * (encodings @ np.random.default_rng(7).normal(size=encodings.shape[1]))
        half = len(arches) // 2
        check = _Check(predictor, one, arches[:half], losses[:half], arches[half:], losses[half:])
        check.learning()
        if number == 0:
            check.odd_records()


def _spaces() -> list[Space]:
    """Nested and numeric decisions with those of the training; cells; flat choices. Without torch."""
    block = {"kernel": choice([1, 3, 5]), "act": choice(["relu", "silu"])}
    head = choice({"wide": {"units": integer(8, 64, log=True)}, "drop": {"rate": real(0.1, 0.9)}})
    operations = {"none": None, "skip": nn.Identity(), "relu": nn.ReLU(), "tanh": nn.Tanh()}
    return [
        Space(
            {"blocks": repeat(block, 1, 3), "head": head, "inputs": subset(["x", "y", "z"], 2)},
            training={"lr": real(1e-4, 1e-1, log=True)},
            name="nested",
        ),
        Space(nn.Sequential(cell(operations, 3, label="cell"), nn.Flatten()), name="cells"),
        Space({f"c{i}": choice(["a", "b", "c"]) for i in range(4)}, name="flat"),
    ]


def _different(space: SearchSpace, n: int) -> list[Arch]:
    """Different arches, as many as there are or `n`, in a random order."""
    rng = np.random.default_rng(0)
    return list(dict.fromkeys(space.sample(rng) for _ in range(20 * n)))[:n]


def _check_object(predictor: Predictor) -> None:
    frozen = dataclasses.is_dataclass(predictor) and type(predictor).__dataclass_params__.frozen
    if not frozen:
        raise AssertionError(f"{predictor!r} must be a frozen dataclass: what it learns is in what `fit` returns.")
    try:
        hash(predictor)
    except TypeError as error:
        raise AssertionError(f"{predictor!r} must be hashable: {error}.") from error
    if pickled_copy(predictor) != predictor:
        raise AssertionError(f"a pickled copy of {predictor!r} must be equal to it.")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Check:
    """A predictor on a space, with arches to learn from and others to try it on."""

    predictor: Predictor
    space: SearchSpace
    arches: list[Arch]
    losses: Numbers
    others: list[Arch]
    truth: Numbers

    def learning(self) -> None:
        """What it learns from usual records."""
        before = self.losses.copy()
        # A copy that knows nothing of the first. It comes first, as libraries may draw numbers when they are imported.
        again = self.predict(self.fit(self.arches, self.losses, pickled_copy(self.predictor)), self.others)
        with unchanged_global_state(repr(self.predictor)):
            fitted = self.fit(self.arches, self.losses)
            mean, std = self.predict(fitted, self.others)
        if not np.array_equal(before, self.losses):
            raise AssertionError(f"{self.where} must not change the losses that it is given.")
        if not (np.array_equal(mean, again[0]) and np.array_equal(std, again[1])):
            raise AssertionError(
                f"{self.where} must guess the same when it learned from the same records with an equal generator: "
                f"means differ by up to {np.abs(mean - again[0]).max():.3g}."
            )
        self.alone(fitted, mean, std)
        tau = _kendall(mean, self.truth)
        if not tau > _TAU:
            raise AssertionError(
                f"{self.where} must order arches by their loss on an easy function: Kendall's tau with the truth is "
                f"{tau:.2f}, and must be above {_TAU}."
            )
        level = float(self.losses.mean())
        error, plain = (float(np.abs(guess - self.truth).mean()) for guess in (mean, np.full(len(mean), level)))
        if not error < plain:
            raise AssertionError(
                f"{self.where} must be nearer to the losses than their mean, in their own units: it is off by "
                f"{error:.3g} on average, their mean {level:.3g} by {plain:.3g}."
            )
        if not std.max() > 0:
            raise AssertionError(f"{self.where} must not be sure of everything, but every standard deviation is 0.")

    def alone(self, fitted: Fitted, mean: Numbers, std: Numbers) -> None:
        """Whatever else is asked for, and in whatever order."""
        turned = self.predict(fitted, self.others[::-1])
        single = self.predict(fitted, self.others[:1])
        near = _TOLERANCE * float(self.losses.std())
        for found, expected in ((turned, (mean[::-1], std[::-1])), (single, (mean[:1], std[:1]))):
            apart = max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
            if not apart <= near:
                raise AssertionError(
                    f"what {self.where} says of an arch must not depend on which others are asked for, or in which "
                    f"order, but it differs by up to {apart:.3g}."
                )
        self.predict(fitted, [])

    def odd_records(self) -> None:
        """Few, equal, contradictory and huge losses; and such as no predictor can learn from."""
        for n in (1, 2):
            self.predict(self.fit(self.arches[:n], self.losses[:n]), self.others, f" after {n} of {n} records")
        level = float(self.losses[0])
        n_equal = min(12, len(self.arches))
        equal = self.fit(self.arches[:n_equal], np.full(n_equal, level))
        mean, _ = self.predict(equal, self.others, " where all losses are equal")
        if not np.abs(mean - level).max() <= 0.1 * abs(level):
            raise AssertionError(
                f"{self.where} must guess {level:.4g} where all losses are {level:.4g}, but guesses up to "
                f"{mean[np.argmax(np.abs(mean - level))]:.4g}."
            )
        several = self.fit([self.arches[0]] * 6, self.losses[:6])
        self.predict(several, self.others, " where one arch has several losses")
        huge = self.fit(self.arches[:12], np.where(np.arange(12) == 3, 1e12, self.losses[:12]))
        self.predict(huge, self.others, " where one loss is huge")
        for wrong in (np.nan, np.inf):
            spoilt = self.losses[:12].copy()
            spoilt[5] = wrong
            self.refused(self.arches[:12], spoilt, f"a loss that is {wrong}")
        self.refused([], np.zeros(0), "no arches")
        self.refused(self.arches[:3], self.losses[:2], "3 arches with 2 losses")

    def refused(self, arches: list[Arch], losses: Numbers, what: str) -> None:
        """Whether that is an error that says so."""
        try:
            self.predictor.fit(self.space, arches, losses, np.random.default_rng(0))
        except ValueError:
            return
        except Exception as error:
            raise AssertionError(f"{self.where} must refuse {what} by a ValueError, but raised {error!r}.") from error
        raise AssertionError(f"{self.where} must refuse {what} by a ValueError, but learned from it.")

    def fit(self, arches: list[Arch], losses: Numbers, predictor: Predictor | None = None) -> Fitted:
        """With a generator that is always the same."""
        learner = self.predictor if predictor is None else predictor
        try:
            return learner.fit(self.space, arches, losses, np.random.default_rng(0))
        except Exception as error:
            raise AssertionError(
                f"{self.where} could not learn from {len(arches)} records with losses from {losses.min():.4g} to "
                f"{losses.max():.4g}: {type(error).__name__}: {error}"
            ) from error

    def predict(self, fitted: Fitted, arches: list[Arch], when: str = "") -> tuple[Numbers, Numbers]:
        """What it says, checked for its shape and its numbers."""
        try:
            mean, std = fitted.predict(arches)
        except Exception as error:
            raise AssertionError(
                f"{self.where} could not guess {len(arches)} losses{when}: {type(error).__name__}: {error}"
            ) from error
        for name, values in (("mean", mean), ("standard deviation", std)):
            shape: Any = getattr(values, "shape", type(values).__name__)
            if shape != (len(arches),):
                raise AssertionError(
                    f"{self.where} must give one {name} for each of {len(arches)} arches, but gave {shape}{when}."
                )
            if not np.isfinite(values).all():
                raise AssertionError(f"{self.where} gave a {name} that isn't finite{when}.")
        if (std < 0).any():
            raise AssertionError(f"{self.where} gave a standard deviation below 0{when}: {std.min():.3g}.")
        return mean, std

    @property
    def where(self) -> str:
        """Who, and on which space."""
        return f"{self.predictor!r}, on {getattr(self.space, 'name', 'the space')!r},"


def _kendall(guessed: Numbers, truth: Numbers) -> float:
    """Kendall's tau-a: the share of pairs in the right order less that of those in the wrong one."""
    first, second = np.triu_indices(len(guessed), 1)
    agree = np.sign(guessed[first] - guessed[second]) * np.sign(truth[first] - truth[second])
    return float(agree.mean())
