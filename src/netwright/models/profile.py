"""`profile`: what a space costs and where it breaks, on torch's meta device, before anything is trained."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.objective import Constraint, constraints_from
from netwright.models.cost import cost
from netwright.spaces import Call, Space
from netwright.spaces.decisions import decisions_of
from netwright.spaces.profile import Profile, Range, Unbuildable

__all__ = ["profile"]

_COSTS = ("params", "flops", "activation_mb")
_MOST_VALUES = 5  # of a decision that are tried on the way to an extreme


def profile(
    space: Space,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    constraints: str | Constraint | Sequence[str | Constraint] | None = None,
    samples: int = 200,
    seed: int = 0,
) -> Profile:
    """Size, costs, arches that can't be built, and whether constraints can be met.

    Random arches give the medians and shares (or all arches, where there are no more than that). The extremes are
    looked for besides: decision by decision, the value that makes the network smaller (larger) is taken.

    Args:
        space: whose model is a tree of modules; of any other only the size is told.
        input_shape: of one example.
        n_outputs: the value of `netwright.n_outputs`.
        constraints: limits of `params`, `flops` or `activation_mb`, such as `params<=100k`.
        samples: how many random arches.
        seed: of these.

    Example:
        >>> from netwright import nn, choice, Space
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([2, 4, 8], label="width")), nn.LazyLinear(1)))
        >>> print(profile(space, input_shape=(3,), constraints="params<=20"))
        space: 3 arches, 1 decision
                             smallest  median  largest  default
        parameters                 11      21       41       11
        FLOPs of an example        16      32       64       16
        activations, MB       1.2e-05   2e-05  3.6e-05  1.2e-05
        of all 3 arches, every one can be built
        params<=20: 33.3% of the arches can be built and hold

    Raises:
        InvalidInput: if a constraint can't be read, or `samples` is below 1.
    """
    limits = constraints_from(constraints)
    if samples < 1:
        raise InvalidInput(f"`samples` must be at least 1, but got {samples}.")
    checked = [limit for limit in limits if limit.metric in _COSTS]
    whole = space.size() <= samples
    rng = np.random.default_rng(seed)
    arches = list(space.enumerate()) if whole else [space.sample(rng) for _ in range(samples)]
    size = space.size()
    facts: dict[str, Any] = {
        "name": space.name,
        "size": size,
        "exact": isinstance(size, int),
        "n_decisions": len(space.decisions),
        "n_random": len(arches),
        "all_arches": whole,
        "constraints": tuple(map(str, limits)),
        "unchecked": tuple(str(limit) for limit in limits if limit not in checked),
    }
    placeholders = {} if n_outputs is None else {"n_outputs": n_outputs}
    if not isinstance(space.resolve(space.default(), **placeholders), Call):
        nothing: dict[str, Any] = dict.fromkeys((*_COSTS, "default", "smallest", "largest"))
        return Profile(**facts, **nothing, n_tried=0, unbuildable=())
    tried = _Tried(space, input_shape, n_outputs)
    found = [tried.costs(arch) for arch in arches]
    for key in ("params", "flops"):
        for sign in (1, -1):
            tried.descend(space.default(), partial(_signed, key, sign))

    def violation(costs: dict[str, float]) -> float:
        return sum(limit.violation(costs) for limit in checked)

    facts |= {"within": None}
    if checked:
        good = [costs for costs in found if costs is not None]
        facts["within"] = sum(violation(costs) == 0 for costs in good) / len(arches)
        start = tried.best(violation)
        if start is not None and violation(start[1]) > 0:
            tried.descend(start[0], violation)
        nearest = tried.best(violation)
        if nearest is not None:
            facts |= {"nearest": nearest[0], "nearest_violation": violation(nearest[1])}
    return Profile(**facts, **tried.ranges(found), unbuildable=_reasons(arches, tried))


def _signed(key: str, sign: int, costs: dict[str, float]) -> float:
    return sign * costs[key]


class _Tried:
    """Networks that were built, each once: arches that differ in their training only are one network."""

    def __init__(self, space: Space, input_shape: tuple[int, ...], n_outputs: int | None) -> None:
        self.space, self.input_shape, self.n_outputs = space, input_shape, n_outputs
        self.names = {decision.name for decision in decisions_of(space.tree)}
        self.known: dict[Arch, dict[str, float] | str] = {}
        self.arches: dict[Arch, Arch] = {}  # the network's decisions → one whole arch that has them

    def network(self, arch: Arch) -> Arch:
        """The decisions of an arch that are about the network."""
        return Arch({name: value for name, value in arch.items() if name in self.names})

    def costs(self, arch: Arch) -> dict[str, float] | None:
        """What the arch costs; None if it can't be built."""
        key = self.network(arch)
        if key not in self.known:
            self.arches[key] = arch
            try:
                self.known[key] = cost(self.space, arch, input_shape=self.input_shape, n_outputs=self.n_outputs)
            except InvalidSpace as error:
                self.known[key] = str(error)
        found = self.known[key]
        return found if isinstance(found, dict) else None

    def descend(self, arch: Arch, score: Callable[[dict[str, float]], float]) -> None:
        """Decision by decision, take the value with the lowest score; what is met on the way is remembered."""
        costs = self.costs(arch)
        lowest = math.inf if costs is None else score(costs)
        for decision in self.space.decisions:
            if decision.name not in arch or decision.name not in self.names:
                continue
            for value in _spread(list(decision.domain.grid(_MOST_VALUES))):
                other = self.space.with_decision(arch, decision.name, value)
                if value == arch[decision.name] or not self.space.allowed(other):
                    continue
                costs = self.costs(other)
                if costs is not None and score(costs) < lowest:
                    arch, lowest = other, score(costs)

    def best(self, score: Callable[[dict[str, float]], float]) -> tuple[Arch, dict[str, float]] | None:
        """The arch with the lowest score of all that were tried, and its costs."""
        good = [(self.arches[key], costs) for key, costs in self.known.items() if isinstance(costs, dict)]
        return min(good, key=lambda pair: score(pair[1]), default=None)

    def ranges(self, drawn: Sequence[dict[str, float] | None]) -> dict[str, Any]:
        """The fields of a profile that come of all costs, and those of random arches."""
        every = [costs for costs in self.known.values() if isinstance(costs, dict)]
        some = [costs for costs in drawn if costs is not None] or every
        ranges: dict[str, Any] = dict.fromkeys(_COSTS)
        if every:
            for key in _COSTS:
                values = [costs[key] for costs in every]
                ranges[key] = Range(min(values), statistics.median(costs[key] for costs in some), max(values))
        smallest = self.best(lambda costs: costs["params"])
        largest = self.best(lambda costs: -costs["params"])
        return ranges | {
            "n_tried": len(self.known),
            "default": self.costs(self.space.default()),
            "smallest": None if smallest is None else smallest[0],
            "largest": None if largest is None else largest[0],
        }


def _spread(values: list[Decided]) -> list[Decided]:
    """At most a few of the values, the first and the last among them."""
    if len(values) <= _MOST_VALUES:
        return values
    return [values[round(i * (len(values) - 1) / (_MOST_VALUES - 1))] for i in range(_MOST_VALUES)]


def _reasons(arches: Sequence[Arch], tried: _Tried) -> tuple[Unbuildable, ...]:
    """The errors of the random arches, grouped; texts that differ in their numbers only are the same reason."""
    groups: dict[str, list[tuple[Arch, str]]] = {}
    valid = []
    for arch in arches:
        found = tried.known[tried.network(arch)]
        if isinstance(found, str):
            groups.setdefault(re.sub(r"\d+", "#", found), []).append((arch, found))
        else:
            valid.append(tried.network(arch))
    problems = []
    for members in groups.values():
        networks = [tried.network(arch) for arch, _ in members]
        common = set(networks[0].items()).intersection(*(network.items() for network in networks))
        causes = [pair for pair in networks[0].items() if pair in common and not all(pair in v.items() for v in valid)]
        problems.append(
            Unbuildable(
                reason=members[0][1],
                share=len(members) / len(arches),
                always_with=tuple(f"{name}={value!r}" for name, value in causes),
                example=members[0][0],
            )
        )
    return tuple(sorted(problems, key=lambda problem: -problem.share))
