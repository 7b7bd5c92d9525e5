"""From architecture parameters to an arch: what a relaxation ends with. Needs no torch.

A derivation sees weights by decision and option. Decisions are taken parents first; what no choice of the network says
(a choice of the training) takes its default. Where constraints rule the arch out, the nearest allowed one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.spaces import Space

if TYPE_CHECKING:
    from netwright.oneshot.arch_parameters import MixedChoice

__all__ = ["Derivation", "Sampled", "Strongest", "Weighed", "skips_by_cell"]


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What a derivation sees.

    Attributes:
        space: what the arch is of.
        choices: what was relaxed, by name.
        weights: by decision and option, from 0 to 1.
        edges: whether the weights of edges mean something.
    """

    space: Space
    choices: Mapping[str, MixedChoice]
    weights: Mapping[str, Mapping[Decided, float]]
    edges: bool = False

    def strength(self, name: str, number: int) -> float:
        """Of an edge: its strongest operation's weight, no connection left out, times its own if it has one."""
        rows = self.choices[name]
        choice = rows.choices[number]
        best = 1.0
        if choice is not None:
            mixed = self.choices[choice]
            there = [o for o, nothing in zip(mixed.options, mixed.nothing, strict=True) if not nothing]
            best = max((self.weights[choice][option] for option in there), default=0.0)
        return best * (self.weights[name][rows.options[number]] if self.edges else 1.0)


class Derivation(Protocol):
    """Which arch the weights stand for."""

    def __call__(self, weighed: Weighed) -> Arch:
        """The arch."""
        ...


@dataclass(frozen=True, slots=True)
class Strongest:
    """The option of largest weight; of the edges that enter a node, the strongest ones.

    As in DARTS (Liu et al. 2019, https://arxiv.org/abs/1806.09055): no connection is never chosen, and an edge is as
    strong as its strongest operation.

    Attributes:
        nothing: whether no connection can be chosen, too: with it, the arch is the path of largest weights.
        threshold: an edge whose options' weights are all below it is left without connection, if there is that option
            and another edge enters the node (Chu et al. 2020, FairDARTS, https://arxiv.org/abs/1911.12126).
        most_skips: in a cell; the weakest ones above that become the next best option (Chen et al. 2019, P-DARTS,
            https://arxiv.org/abs/1904.12760).
    """

    nothing: bool = False
    threshold: float = 0.0
    most_skips: int | None = None

    def __call__(self, weighed: Weighed) -> Arch:
        if self.threshold:
            weighed = self._without_weak_edges(weighed)
        arch = _walk(weighed, self._option)
        if self.most_skips is not None:
            for _ in range(len(weighed.choices)):
                excess = self._excess(weighed, arch)
                if excess is None:
                    break
                weighed = _without(weighed, *excess)
                arch = _walk(weighed, self._option)
        return _allowed(weighed.space, arch)

    def _option(self, weighed: Weighed, mixed: MixedChoice) -> Decided:
        if mixed.kind == "edges":
            order = sorted(range(len(mixed.options)), key=lambda i: -weighed.strength(mixed.name, i))
            return tuple(mixed.options[i] for i in sorted(order[: mixed.k]))  # type: ignore[misc]  # scalars
        weights = weighed.weights[mixed.name]
        nothing = {o for o, gone in zip(mixed.options, mixed.nothing, strict=True) if gone} if mixed.nothing else set()
        options = [o for o in mixed.options if self.nothing or o not in nothing] or list(mixed.options)
        return max(options, key=lambda option: weights[option])

    def _without_weak_edges(self, weighed: Weighed) -> Weighed:
        """Only no connection where all others are too weak, but for the strongest edge of each node."""
        for name, row in weighed.choices.items():
            strengths = [weighed.strength(name, i) for i in range(len(row.options))] if row.kind == "edges" else []
            for i, strength in enumerate(strengths):
                choice = row.choices[i]
                mixed = None if choice is None else weighed.choices[choice]
                if mixed is None or not any(mixed.nothing) or strength >= self.threshold or i == _largest(strengths):
                    continue
                none = mixed.options[mixed.nothing.index(True)]
                only = {
                    **weighed.choices,
                    mixed.name: replace(mixed, options=(none,), nothing=(False,), skips=(False,)),
                }
                weighed = replace(weighed, choices=only)
        return weighed

    def _excess(self, weighed: Weighed, arch: Arch) -> tuple[str, Decided] | None:
        """The weakest skip connection of a cell that has too many."""
        assert self.most_skips is not None
        for skips in skips_by_cell(weighed.choices, arch).values():
            if len(skips) > self.most_skips:
                found = sorted(skips, key=lambda name: weighed.weights[name][arch[name]])
                for name in found:
                    mixed = weighed.choices[name]
                    others = [
                        o
                        for o, skip, nothing in zip(mixed.options, mixed.skips, mixed.nothing, strict=True)
                        if not skip and not nothing
                    ]
                    if others:
                        return name, arch[name]
        return None


@dataclass(frozen=True, slots=True)
class Sampled:
    """Each option drawn by its weight.

    Attributes:
        seed: another arch for each.
    """

    seed: int = 0

    def __call__(self, weighed: Weighed) -> Arch:
        rng = np.random.default_rng(self.seed)

        def option(weighed: Weighed, mixed: MixedChoice) -> Decided:
            numbers = [weighed.weights[mixed.name][o] for o in mixed.options]
            if mixed.kind == "edges":
                numbers = [weighed.strength(mixed.name, i) + 1e-12 for i in range(len(mixed.options))]
            chances = np.asarray(numbers) / sum(numbers)
            size = mixed.k if mixed.kind == "edges" else 1
            drawn = rng.choice(len(mixed.options), size=size, replace=False, p=chances)
            if mixed.kind == "edges":
                return tuple(mixed.options[i] for i in sorted(drawn))
            return mixed.options[int(drawn[0])]

        return _allowed(weighed.space, _walk(weighed, option))


def skips_by_cell(choices: Mapping[str, MixedChoice], arch: Arch) -> dict[str, list[str]]:
    """The decisions of an arch that are skip connections, by the cell that they are in (what comes before a dot)."""
    found: dict[str, list[str]] = {}
    for name, value in arch.items():
        mixed = choices.get(name)
        if mixed is not None and mixed.skips and mixed.skips[mixed.options.index(value)]:
            found.setdefault(name.rpartition(".")[0], []).append(name)
    return found


def _largest(values: list[float]) -> int:
    return values.index(max(values))


def _walk(weighed: Weighed, option: _Option) -> Arch:
    taken: dict[str, Decided] = {}
    for decision in weighed.space.decisions:
        if decision.active(taken):
            mixed = weighed.choices.get(decision.name)
            taken[decision.name] = decision.domain.default if mixed is None else option(weighed, mixed)
    return Arch(taken)


def _allowed(space: Space, arch: Arch) -> Arch:
    return arch if space.allowed(arch) else space.nearest_allowed(arch)


def _without(weighed: Weighed, name: str, option: Decided) -> Weighed:
    return replace(weighed, weights={**weighed.weights, name: {**weighed.weights[name], option: 0.0}})


class _Option(Protocol):
    def __call__(self, weighed: Weighed, mixed: MixedChoice, /) -> Decided: ...
