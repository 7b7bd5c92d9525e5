"""Attentive sampling: of paths that cost the same, the one that matters (Wang et al. 2021, https://arxiv.org/abs/2011.09011)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidInput, NetwrightError
from netwright.oneshot.cost_guess import linear_guess
from netwright.oneshot.extremes import Costs, extreme
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.oneshot.samplers.sandwich import SandwichPaths
from netwright.spaces import Space

__all__ = ["Attentive"]

Array = np.ndarray[Any, np.dtype[np.float64]]

_POOL = 2_048  # random paths, in the order of their FLOPs, that a step chooses from
_FEWEST = 20  # looks, before the predictor says anything


@dataclass(frozen=True, slots=True)
class Attentive:
    """The sandwich rule, with the best (or the worst) of a few paths of like cost in place of random ones.

    For each, a random number of FLOPs is drawn, as often as it occurs in the space; among a few paths of about so many
    a predictor of accuracy says which one is trained: the best push the Pareto front out, the worst pull up what lags
    behind. The predictor learns while the weights do, from the losses of random paths on validation data.

    Attributes:
        attention: to the `best` or the `worst`.
        among: of how many paths.
        n_attentive: such paths in a step, beside the largest and the smallest.
        every: steps between two times at which some paths are looked at.
        looks: how many then.
        remembered: looks that the predictor learns from, the newest ones.
        n_costed: arches whose FLOPs are measured at the start; those of others are guessed from them.

    Differs from the paper in the predictors of accuracy and FLOPs, which are ridge regressions on the arch's encoding.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(*[nn.LazyLinear(choice([4, 8], label=f"width{i}")) for i in range(3)]))
        >>> paths = Attentive().begin(space)
        >>> len(paths.step(np.random.default_rng(0), 0.0, lambda arch: 0.0))
        4

    Raises:
        InvalidInput: if a number is too small.
    """

    attention: Literal["best", "worst"] = "best"
    among: int = 3
    n_attentive: int = 2
    every: int = 20
    looks: int = 8
    remembered: int = 200
    n_costed: int = 128

    def __post_init__(self) -> None:
        names = ("among", "n_attentive", "every", "looks", "remembered", "n_costed")
        wrong = [name for name in names if not isinstance(getattr(self, name), int) or getattr(self, name) < 1]
        if wrong or self.attention not in ("best", "worst"):
            raise InvalidInput(
                "`attention` of Attentive must be 'best' or 'worst' and all numbers whole and at least 1, but got "
                f"attention={self.attention!r}, {', '.join(f'{name}={getattr(self, name)!r}' for name in names)}."
            )

    def begin(self, space: Space, costs: Costs | None = None) -> AttentivePaths:
        """The paths of a training."""
        return AttentivePaths(space, self, costs)


class AttentivePaths:
    """The paths of one training; see `Attentive`."""

    def __init__(self, space: Space, settings: Attentive, costs: Costs | None) -> None:
        self.settings = settings
        self.space = space
        largest, smallest = (extreme(space, costs, largest=which) for which in (True, False))
        self.sandwich = SandwichPaths(space, largest, smallest, 0)
        rng = np.random.default_rng(0)  # the same pool, whenever the training goes on
        drawn = list(dict.fromkeys(space.sample(rng) for _ in range(_POOL)))
        flops = _log_flops(space, drawn, costs, settings.n_costed)
        order = np.argsort(flops, kind="stable")
        self.pool = [drawn[i] for i in order.tolist()]
        self.encoded = np.array([space.encode(arch) for arch in self.pool])
        self.looked: list[tuple[Arch, float]] = []
        self.steps = 0
        self._promise: Array | None = None

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """The largest, the smallest and the attentive paths."""
        settings = self.settings
        self.steps += 1
        if self.steps % settings.every == 0:
            for _ in range(settings.looks):
                arch = self.pool[int(rng.random() * len(self.pool))]
                self.looked.append((arch, score(arch)))
            del self.looked[: -settings.remembered]
            self._promise = None
        return self.sandwich.around([self._attentive(rng) for _ in range(settings.n_attentive)])

    def _attentive(self, rng: np.random.Generator) -> Arch:
        """One of a few neighbours in the order of FLOPs; a random one while nothing is known."""
        among = min(self.settings.among, len(self.pool))
        first = int(rng.random() * (len(self.pool) - among + 1))
        promise = self._promised()
        if promise is None:
            return self.pool[first + int(rng.random() * among)]
        window = promise[first : first + among]
        return self.pool[first + int(window.argmin() if self.settings.attention == "best" else window.argmax())]

    def _promised(self) -> Array | None:
        """The guessed loss of each path of the pool."""
        if self._promise is None and len(self.looked) >= _FEWEST:
            losses = np.array([loss for _, loss in self.looked])
            known = np.isfinite(losses)
            if known.any():
                losses[~known] = losses[known].max()
                rows = np.array([self.space.encode(arch) for arch, _ in self.looked])
                self._promise = linear_guess(rows, losses)(self.encoded)
        return self._promise

    def state(self) -> Mapping[str, Any]:
        """What was looked at."""
        return {"steps": self.steps, "looked": [[arch.to_json(), loss] for arch, loss in self.looked]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.steps = int(state["steps"])
        self.looked = [(Arch.from_json(text), float(loss)) for text, loss in state["looked"]]
        self._promise = None


def _log_flops(space: Space, arches: Sequence[Arch], costs: Costs | None, n_costed: int) -> Array:
    """The logarithm of the FLOPs of each arch, measured for some and guessed for the rest."""
    encoded = np.array([space.encode(arch) for arch in arches])
    if costs is None:  # larger numbers count as dearer
        return encoded.sum(1)
    rows, measured = [], []
    for number, arch in enumerate(arches[:n_costed]):
        try:
            measured.append(np.log(max(1.0, costs(arch)["flops"])))
        except NetwrightError:  # it can't be built
            continue
        rows.append(number)
    if not rows:
        return encoded.sum(1)
    return linear_guess(encoded[rows], np.array(measured))(encoded)
