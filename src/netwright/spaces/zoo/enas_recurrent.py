"""Recurrent cells as trees of highway nodes: the spaces of ENAS and of DARTS for sequences.

Pham et al. 2018, Efficient neural architecture search via parameter sharing, https://arxiv.org/abs/1802.03268;
Liu et al. 2019, DARTS, https://arxiv.org/abs/1806.09055. Genotype texts go in and out (`arch_of`, `genotype_of`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.genotypes import RecurrentGenotype
from netwright.spaces.language import choice, n_outputs
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Choice
from netwright.spaces.published import PUBLISHED_RECURRENT
from netwright.spaces.space import Space

__all__ = ["ACTIVATIONS", "arch_of", "canonical", "darts_recurrent", "enas_recurrent", "genotype_of"]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
"""The four activations, in the order of both papers' code."""

_MODULES = {"tanh": nn.Tanh(), "relu": nn.ReLU(), "sigmoid": nn.Sigmoid(), "identity": nn.Identity()}


@spaces.register
def enas_recurrent(
    *,
    input_shape: tuple[int, ...] = (16, 8),
    vocabulary: int | None = None,
    size: int = 64,
    n_nodes: int = 12,
    outputs: str = "last",
    tied: bool = False,
    dropout: float = 0.0,
) -> Space:
    """ENAS's recurrent cell: a tree of highway nodes; each chooses an earlier node and an activation.

    The mean of the leaves is the new state. For sequences of numbers, for images row by row, and for tokens: to
    classify them, or to predict the next token at the end (`outputs="last"`) or at every step.

    Args:
        input_shape: (time, features), or (channels, rows, columns) of an image; (time,) for tokens.
        vocabulary: how many tokens there are: inputs are then whole numbers, 0 to vocabulary - 1. None: no tokens.
        size: of the state, and of the vectors that features or tokens become.
        n_nodes: how many nodes. The paper has 12.
        outputs: `last`: of the last step (batch, n_outputs); `every`: of all (batch, time, n_outputs).
        tied: the decoder has the weights of the embedding, and so as many outputs as there are tokens.
        dropout: before and behind the cell, with one mask for all steps.

    Example:
        >>> space = enas_recurrent()
        >>> f"{space.size():.2g}"
        '6.7e+14'
        >>> str(genotype_of(space.default())) == str(PUBLISHED_RECURRENT["ENAS"])
        True
        >>> words = enas_recurrent(input_shape=(35,), vocabulary=10_000, outputs="every", tied=True)
        >>> type(words.build(input_shape=(35,), device="meta")).__name__
        'TiedDecoder'

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    _check("enas_recurrent", input_shape, vocabulary, size, n_nodes, outputs, dropout, tied=tied)
    entry = layers.Highway(2 * size, size, _activation(0))
    cell = layers.RecurrentCell(_nodes(n_nodes, size), entry=entry, output="unused")
    model = _model(cell, input_shape, vocabulary, size, outputs, dropout, tied=tied)
    space = Space(model, name="enas_recurrent", canonical=canonical)
    return space.starting_at(_cut(PUBLISHED_RECURRENT["ENAS"], n_nodes, first="tanh"))


@spaces.register
def darts_recurrent(
    *,
    input_shape: tuple[int, ...] = (16, 8),
    vocabulary: int | None = None,
    size: int = 64,
    n_nodes: int = 9,
    outputs: str = "last",
    tied: bool = False,
    dropout: float = 0.0,
) -> Space:
    """DARTS's recurrent cell: as ENAS's, but node 0 has a tanh, and the mean of all others is the new state.

    Args:
        input_shape: (time, features), or (channels, rows, columns) of an image; (time,) for tokens.
        vocabulary: how many tokens there are: inputs are then whole numbers, 0 to vocabulary - 1. None: no tokens.
        size: of the state, and of the vectors that features or tokens become.
        n_nodes: how many nodes, node 0 included. The paper has 9.
        outputs: `last`: of the last step (batch, n_outputs); `every`: of all (batch, time, n_outputs).
        tied: the decoder has the weights of the embedding, and so as many outputs as there are tokens.
        dropout: before and behind the cell, with one mask for all steps.

    Example:
        >>> space = darts_recurrent(input_shape=(35,), vocabulary=10_000, size=850, outputs="every", tied=True)
        >>> space.size()
        2642411520
        >>> model = space.build(arch_of(PUBLISHED_RECURRENT["DARTS_V2"]), input_shape=(35,), device="meta")
        >>> sum(parameter.numel() for parameter in model.parameters())  # 23 million in the paper
        22960000

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    _check("darts_recurrent", input_shape, vocabulary, size, n_nodes, outputs, dropout, tied=tied)
    entry = layers.Highway(2 * size, size, nn.Tanh())
    cell = layers.RecurrentCell(_nodes(n_nodes, size), entry=entry, output="mean")
    model = _model(cell, input_shape, vocabulary, size, outputs, dropout, tied=tied)
    space = Space(model, name="darts_recurrent", canonical=canonical)
    return space.starting_at(_cut(PUBLISHED_RECURRENT["DARTS_V2"], n_nodes))


def arch_of(genotype: RecurrentGenotype | str, *, first: str | None = None) -> Arch:
    """The arch of a genotype, or of its text.

    Args:
        genotype: of a cell; its nodes must be as many as the space has, node 0 not counted.
        first: the activation of node 0, which the space of ENAS decides and a genotype doesn't tell; None: the space of
            DARTS, where it is always a tanh.

    Example:
        >>> arch_of("Genotype(recurrent=[('relu', 0), ('tanh', 0)], concat=[1, 2])")["cell.2.input"]
        0

    Raises:
        InvalidInput: if it is none, or of neither space: other activations, or another mean.
    """
    found = RecurrentGenotype.parse(genotype) if isinstance(genotype, str) else genotype
    named = [name for name, _ in found.recurrent] + ([] if first is None else [first])
    wrong = [f"there is no activation {name!r}" for name in dict.fromkeys(named) if name not in ACTIVATIONS]
    sources = {source for _, source in found.recurrent}
    n_nodes = 1 + len(found.recurrent)
    ending = [n for n in range(n_nodes) if n not in sources] if first is not None else list(range(1, n_nodes))
    if sorted(found.concat) != ending:
        wrong.append(f"'concat' must be {ending}, but is {list(found.concat)}")
    if wrong:
        raise InvalidInput(problems("this is no recurrent cell of this space", wrong))
    return _arch([source for _, source in found.recurrent], named[-1:] + named[:-1] if first is not None else named)


def genotype_of(arch: Arch) -> RecurrentGenotype:
    """The genotype of an arch of either space; its text is `str` of it. It doesn't tell the activation of node 0."""
    n_nodes = 1 + sum(name.endswith(".input") for name in arch)
    edges: list[Any] = [(arch[f"cell.{node}.activation"], arch[f"cell.{node}.input"]) for node in range(1, n_nodes)]
    every = range(1, n_nodes)
    if "cell.0.activation" in arch:
        sources = {source for _, source in edges}
        every = [node for node in range(n_nodes) if node not in sources]  # type: ignore[assignment]  # nodes as well
    return RecurrentGenotype(tuple(edges), tuple(every))


@lru_cache(maxsize=100_000)
def canonical(arch: Arch) -> Arch:
    """One arch for all equal trees: a node's subtrees come in the order of their activations, one after the other."""
    n_nodes = 1 + sum(name.endswith(".input") for name in arch)
    below: list[list[int]] = [[] for _ in range(n_nodes)]
    for node in range(1, n_nodes):
        source: Any = arch[f"cell.{node}.input"]
        below[source].append(node)
    texts: list[Any] = [()] * n_nodes
    for node in reversed(range(n_nodes)):  # nodes come after their sources
        below[node].sort(key=texts.__getitem__)
        texts[node] = (str(arch.get(f"cell.{node}.activation", "")), *(texts[child] for child in below[node]))
    order: list[int] = []
    sources: list[int] = []
    waiting = [(0, 0)]
    while waiting:
        node, source = waiting.pop()
        waiting += [(child, len(order)) for child in reversed(below[node])]
        order.append(node)
        sources.append(source)
    decided = order if "cell.0.activation" in arch else order[1:]
    names: list[Any] = [arch[f"cell.{node}.activation"] for node in decided]
    return _arch(sources[1:], names)


def _arch(sources: list[int], activations: list[Any]) -> Arch:
    """The arch of nodes from 1 on; with an activation more than those, the first one is node 0's."""
    first = 1 if len(activations) == len(sources) else 0
    decisions: dict[str, Any] = {f"cell.{node}.input": source for node, source in enumerate(sources, 1)}
    decisions.update({f"cell.{node}.activation": name for node, name in enumerate(activations, first)})
    return Arch(decisions)


def _cut(genotype: RecurrentGenotype, n_nodes: int, first: str | None = None) -> Arch:
    """A published cell with fewer nodes, or with more: these are one after the other."""
    edges = [*genotype.recurrent[: n_nodes - 1]]
    edges += [("tanh", node - 1) for node in range(len(edges) + 1, n_nodes)]
    return _arch([source for _, source in edges], [*([first] if first else []), *(name for name, _ in edges)])


def _activation(node: int) -> Choice | Any:
    return choice(_MODULES, label=f"cell.{node}.activation")


def _nodes(n_nodes: int, size: int) -> list[Choice | Any]:
    """A choice of the earlier node for each node from 1 on; every pair has weights of its own, as in ENAS."""
    nodes = []
    for node in range(1, n_nodes):
        activation = _activation(node)
        options: dict[Any, Any] = {s: layers.From(s, layers.Highway(size, size, activation)) for s in range(node)}
        nodes.append(choice(options, label=f"cell.{node}.input"))
    return nodes


def _model(
    cell: Call,
    input_shape: tuple[int, ...],
    vocabulary: int | None,
    size: int,
    outputs: str,
    dropout: float,
    *,
    tied: bool,
) -> Call:
    drop = [layers.LockedDropout(dropout)] if dropout else []
    last = [layers.LastStep()] if outputs == "last" else []
    if vocabulary is None:
        rows = [layers.RowsAsSteps()] if len(input_shape) == 3 else []
        return nn.Sequential(*rows, nn.LazyLinear(size), *drop, cell, *drop, *last, nn.LazyLinear(n_outputs))
    embedding = nn.Embedding(vocabulary, size)
    if tied:
        return layers.TiedDecoder(embedding, nn.Sequential(*drop, cell, *drop, *last), layers.OutputBias(vocabulary))
    decoder = nn.LazyLinear(n_outputs if outputs == "last" else vocabulary)
    return nn.Sequential(embedding, *drop, cell, *drop, *last, decoder)


def _check(
    name: str,
    input_shape: tuple[int, ...],
    vocabulary: int | None,
    size: int,
    n_nodes: int,
    outputs: str,
    dropout: float,
    *,
    tied: bool,
) -> None:
    wrong = []
    if size < 1 or n_nodes < 2:
        wrong.append(f"`size` must be at least 1 and `n_nodes` at least 2, but got {size} and {n_nodes}")
    if outputs not in ("last", "every"):
        wrong.append(f"`outputs` must be 'last' or 'every', but got {outputs!r}")
    if not 0 <= dropout < 1:
        wrong.append(f"`dropout` must be at least 0 and below 1, but got {dropout}")
    if vocabulary is None and len(input_shape) not in (2, 3):
        wrong.append(
            f"inputs must be (time, features) or an image, but have shape {input_shape}; tokens need `vocabulary`"
        )
    if vocabulary is not None and (vocabulary < 2 or len(input_shape) != 1):
        wrong.append(f"tokens must be (time,) out of 2 or more, but have shape {input_shape} out of {vocabulary}")
    if tied and vocabulary is None:
        wrong.append("`tied` needs `vocabulary`: there is no embedding to share weights with")
    if wrong:
        raise InvalidInput(problems(f"a space {name} can't be like this", wrong))
