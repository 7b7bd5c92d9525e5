"""Arches as vectors of numbers: what the decisions are, in ones and twos, and what the graph of the arch looks like.

Encodings are data: frozen and hashable, so that what they give for a small space is computed once (`whole_space`).
Those that count something (paths, parts of the graph) have a column for each thing that they find in the space: in
all of it if it is small, else in 2,000 random arches of it; and a last column for whatever else an arch may have.
"""

from __future__ import annotations

import itertools
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.protocols import Encoding, Numbers
from netwright.predictors.whole_space import encoded, graphs_of, kept_for, whole_space
from netwright.spaces.decisions import decisions_of
from netwright.spaces.domains import Domain
from netwright.spaces.graph import SKIP, ArchGraph

__all__ = [
    "Canonical",
    "Extra",
    "GraphFeatures",
    "Imputed",
    "Joined",
    "OneHot",
    "Pairwise",
    "Paths",
    "Standard",
    "TrainingDecisions",
    "columns_of",
    "counted",
]

_SAMPLES = 2_000  # arches that stand for a large space
_DRAWS = 60  # values that stand for a domain: all of two, three, four, five or six count alike


@dataclass(frozen=True, slots=True)
class OneHot:
    """`space.encode`: one-hot choices, numbers scaled to [0, 1], a flag for each decision that can be inactive.

    Example:
        >>> from netwright.spaces import Space, choice, integer
        >>> space = Space({"width": integer(8, 16), "act": choice(["relu", "silu"])})
        >>> OneHot()(space, [Arch({"width": 12, "act": "silu"})])
        array([[0.5, 0. , 1. ]])
    """

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        if not arches:
            return np.zeros((0, len(space.encode(space.default()))))
        return np.stack([space.encode(arch) for arch in arches])


@dataclass(frozen=True, slots=True)
class Imputed:
    """`OneHot`, in which an inactive decision takes the mean of its values, and none tells whether it is active.

    For predictors that measure distances. An inactive decision is then as far from one value as from the other, and no
    longer the least of them; and one step of a depth counts once, and not once more for each decision that it switches
    on: the depth tells already which are active. For another way see Swersky et al. 2014, https://arxiv.org/abs/1409.4011.

    Example:
        >>> from netwright.spaces import Space, choice, integer
        >>> space = Space({"head": choice({"plain": None, "wide": {"units": integer(1, 3)}})})
        >>> Imputed()(space, [Arch({"head": "plain"}), Arch({"head": "wide", "head.wide.units": 1})])
        array([[1. , 0. , 0. , 0.5],
               [0. , 1. , 0. , 0. ]])
    """

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        found = OneHot()(space, arches)
        start = 0
        for decision in getattr(space, "decisions", ()):
            stop = start + decision.domain.width + bool(decision.conditions)
            if decision.conditions:  # the first column is the flag
                found[found[:, start] == 0, start + 1 : stop] = _mean_of(decision.domain)
                found[:, start] = 0
            start = stop
        return found


@lru_cache(maxsize=1_000)
def _mean_of(domain: Domain) -> tuple[float, ...]:
    """What encodes the values of a domain on the average."""
    values = [domain.encode(domain.draw((i + 0.5) / _DRAWS)) for i in range(_DRAWS)]
    return tuple(np.mean(values, axis=0).tolist())


@dataclass(frozen=True, slots=True)
class TrainingDecisions:
    """What `OneHot` says of the training's decisions (learning rate, …): all that isn't the model's.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])}, training={"lr": choice([0.1, 0.2, 0.4])})
        >>> TrainingDecisions()(space, [Arch({"width": 16, "lr": 0.2})])
        array([[0., 1., 0.]])
    """

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        single = encoded(space, OneHot(), arches)
        trees = (getattr(space, "tree", None), getattr(space, "training_tree", None))
        if trees[1] is None:  # it is not known which are the training's
            return single
        of_model, of_training = ({decision.name for decision in decisions_of(tree)} for tree in trees)
        groups = zip(space.decisions, _groups(space, single.shape[1]), strict=True)  # type: ignore[attr-defined]  # it has
        columns = [c for decision, group in groups if decision.name in of_training - of_model for c in group]
        return single[:, columns]


@dataclass(frozen=True, slots=True)
class Pairwise:
    """`OneHot` and the products of each two of its numbers that belong to different decisions; squares of numbers.

    A linear model of these knows how each two decisions go together.

    Args:
        most: how many products it has at most; decisions that are near each other in the space come first.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16]), "act": choice(["relu", "silu"])})
        >>> Pairwise()(space, [space.default()])
        array([[1., 0., 1., 0., 1., 0., 0., 0.]])

    Raises:
        InvalidInput: if `most` isn't at least 1.
    """

    most: int = 2_000

    def __post_init__(self) -> None:
        if self.most < 1:
            raise InvalidInput(f"`most` of Pairwise must be at least 1, but got {self.most}.")

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        single = encoded(space, OneHot(), arches)
        groups = _groups(space, single.shape[1])
        near = sorted(itertools.combinations_with_replacement(range(len(groups)), 2), key=lambda ij: ij[1] - ij[0])
        pairs = [(a, b) for i, j in near for a in groups[i] for b in groups[j] if i != j or len(groups[i]) == 1][
            : self.most
        ]
        if not pairs:
            return single
        first, second = np.array(pairs).T
        return np.hstack([single, single[:, first] * single[:, second]])


def _groups(space: SearchSpace, width: int) -> list[list[int]]:
    """The columns of `space.encode` that belong to each decision."""
    decisions = getattr(space, "decisions", None)
    if decisions is None:
        return [[column] for column in range(width)]
    groups, start = [], 0
    for decision in decisions:
        stop = start + decision.domain.width + bool(decision.conditions)
        groups.append(list(range(start, stop)))
        start = stop
    return groups


@dataclass(frozen=True, slots=True)
class Paths:
    """How often each way from input to output is in the arch's graph: the path encoding.

    White et al. 2021, BANANAS, https://arxiv.org/abs/1910.11858. There it is 1 for each way that is there; here it is
    how often. Only what data pass through counts, so equal networks tend to have equal paths.

    Args:
        skips: whether identities are steps of a way; without them, ways that compute the same are the same.
        most: how many different ways have a column; the most frequent ones do.

    Example:
        >>> from netwright.spaces import Space, cell, nn
        >>> space = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}, 3, label="c"))
        >>> arch = Arch({"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "relu"})
        >>> dict(Paths().counts(space.graph(arch)))
        {('relu', 'relu'): 1, ('skip',): 1}

    Raises:
        InvalidInput: if `most` isn't at least 1.
    """

    skips: bool = True
    most: int = 2_000

    def __post_init__(self) -> None:
        if self.most < 1:
            raise InvalidInput(f"`most` of Paths must be at least 1, but got {self.most}.")

    def counts(self, graph: ArchGraph) -> Counter[Hashable]:
        """How often each way is in a graph."""
        if self.skips:
            return Counter(graph.paths())
        return Counter(tuple(label for label in path if label != SKIP) for path in graph.paths())

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return counted(space, arches, self)


@dataclass(frozen=True, slots=True)
class GraphFeatures:
    """How often each neighbourhood is in the arch's graph: the features of the Weisfeiler–Lehman kernel.

        Shervashidze et al. 2011, https://jmlr.org/papers/v12/shervashidze11a.html; for architectures Ru et al. 2021,
    https://arxiv.org/abs/2006.07556. A node's neighbourhood of depth 0 is its label; of depth d it is that of depth
    d - 1 with those of the nodes before it and of those behind it. There it is only what is behind it.

    Args:
        depth: of the largest neighbourhoods.
        most: how many different neighbourhoods have a column; the most frequent ones do.

    Example:
        >>> from netwright.spaces.graph import ArchGraph
        >>> graph = ArchGraph(("input", "conv", "conv", "output"), ((0, 1), (1, 2), (2, 3)))
        >>> GraphFeatures(depth=0).counts(graph)["conv"]
        2

    Raises:
        InvalidInput: if `depth` is below 0 or `most` below 1.
    """

    depth: int = 1
    most: int = 2_000

    def __post_init__(self) -> None:
        if self.depth < 0 or self.most < 1:
            raise InvalidInput(
                "`depth` of GraphFeatures must be at least 0 and `most` at least 1, "
                f"but got depth={self.depth}, most={self.most}."
            )

    def counts(self, graph: ArchGraph) -> Counter[Hashable]:
        """How often each neighbourhood is in a graph."""
        before: list[list[int]] = [[] for _ in graph.labels]
        behind: list[list[int]] = [[] for _ in graph.labels]
        for source, target in graph.edges:
            before[target].append(source)
            behind[source].append(target)
        labels: list[Any] = list(graph.labels)
        found: Counter[Hashable] = Counter(labels)
        for _ in range(self.depth):
            labels = [
                (own, tuple(sorted(labels[i] for i in before[node])), tuple(sorted(labels[i] for i in behind[node])))
                for node, own in enumerate(labels)
            ]
            found.update(labels)
        return found

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return counted(space, arches, self)


@dataclass(frozen=True, slots=True)
class Joined:
    """Several encodings side by side.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])})
        >>> Joined((OneHot(), Extra(lambda arch: arch["width"] / 16)))(space, [space.default()])
        array([[1. , 0. , 0.5]])

    Raises:
        InvalidInput: if there is none.
    """

    encodings: tuple[Encoding, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.encodings, tuple) or not self.encodings:
            raise InvalidInput(f"Joined needs a tuple of at least one encoding, but got {self.encodings!r}.")

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return np.hstack([encoded(space, encoding, arches) for encoding in self.encodings])


@dataclass(frozen=True, slots=True)
class Extra:
    """Numbers of your own for each arch: FLOPs, parameters, zero-cost proxies.

    Args:
        function: from an arch to a number or several, always as many. In a small space it is asked once for each arch
            that is looked at. It must be a function of a module, not a lambda, for the predictor to be picklable.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])})
        >>> Extra(lambda arch: [arch["width"], arch["width"] ** 2])(space, [space.default()])
        array([[ 8., 64.]])

    Raises:
        InvalidInput: if `function` can't be called, or gives what is no finite number.
    """

    function: Callable[[Arch], float | Sequence[float]]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidInput(f"Extra needs a function from an arch to numbers, but got {self.function!r}.")

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        asked = arches or [space.default()]
        rows = [np.atleast_1d(np.asarray(self.function(arch), dtype=np.float64)) for arch in asked]
        for arch, row in zip(asked, rows, strict=True):
            if row.shape != rows[0].shape or row.ndim != 1 or not np.isfinite(row).all():
                raise InvalidInput(
                    f"the function of Extra must give as many finite numbers for every arch, but gave {row.tolist()} "
                    f"for {arch!r}: give an arch without a value that of a poor one."
                )
        return np.stack(rows)[: len(arches)]


@dataclass(frozen=True, slots=True)
class Canonical:
    """Another encoding of `space.canonical(arch)`: arches that work the same look the same.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])}, canonical=lambda arch: Arch({"width": 8}))
        >>> Canonical(OneHot())(space, [Arch({"width": 16})])
        array([[1., 0.]])
    """

    encoding: Encoding

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return encoded(space, self.encoding, [space.canonical(arch) for arch in arches])


@dataclass(frozen=True, slots=True)
class Standard:
    """What predictors use if nothing else is asked for: the decisions of the canonical arch, and its graph.

    `Canonical(OneHot())`, `Paths(skips=False)` and `GraphFeatures(depth=1)` side by side; the first alone for a space
    that draws no graphs. On NAS-Bench-201 a graph's neighbourhoods and ways say more than its decisions do
    (benchmarks/predictors.py), and what has no place in the graph is still there.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])}, training={"lr": choice([0.1, 0.2])})
        >>> Standard()(space, [space.default()]).shape
        (1, 18)
    """

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        decisions: Encoding = Canonical(OneHot())
        if not hasattr(space, "graph"):
            return encoded(space, decisions, arches)
        return Joined((decisions, Paths(skips=False), GraphFeatures(depth=1)))(space, arches)


# Counting ---------------------------------------------------------------------------------------------------------


class _Counting(Protocol):
    """An encoding that counts something in an arch's graph."""

    @property
    def most(self) -> int: ...

    def counts(self, graph: ArchGraph) -> Counter[Hashable]: ...


_columns: weakref.WeakKeyDictionary[SearchSpace, dict[Any, dict[Hashable, int]]] = weakref.WeakKeyDictionary()


def columns_of(space: SearchSpace, encoding: _Counting) -> dict[Hashable, int]:
    """The column of each thing that is counted, found once for each space."""
    known = kept_for(_columns, space)
    if encoding not in known:
        whole = whole_space(space)
        if whole is None:
            rng = np.random.default_rng(0)
            arches: Sequence[Arch] = [space.default(), *(space.sample(rng) for _ in range(_SAMPLES))]
        else:
            arches = whole.arches
        n_arches: Counter[Hashable] = Counter()
        for graph, n in Counter(graphs_of(space, arches)).items():  # many arches share a graph
            for key in encoding.counts(graph):
                n_arches[key] += n
        frequent = [key for key, n in n_arches.most_common(encoding.most) if n > 1]  # one arch teaches about no other
        known[encoding] = {key: column for column, key in enumerate(frequent)}
    return known[encoding]


def counted(space: SearchSpace, arches: Sequence[Arch], encoding: _Counting) -> Numbers:
    """One column for each thing that is counted, and one for all that has none."""
    columns = columns_of(space, encoding)
    rest = len(columns)
    graphs = graphs_of(space, arches)
    number = {graph: i for i, graph in enumerate(dict.fromkeys(graphs))}  # many arches share a graph
    table = np.zeros((len(number), rest + 1))
    for row, graph in zip(table, number, strict=True):
        for key, n in encoding.counts(graph).items():
            row[columns.get(key, rest)] += n
    return table[[number[graph] for graph in graphs]]
