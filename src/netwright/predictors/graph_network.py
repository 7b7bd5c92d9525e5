"""`GraphNetwork`: a graph neural network on the graph of the arch, in plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import GraphFeatures, TrainingDecisions, columns_of
from netwright.predictors.learning import Features, NormalScores, checked_losses
from netwright.predictors.protocols import Encoding, Fitted, Numbers
from netwright.predictors.whole_space import encoded, graphs_of

if TYPE_CHECKING:
    import torch

    from netwright.predictors.deep_ensemble import Forward

__all__ = ["GraphNetwork"]

_BATCH, _EPOCHS = 64, 25
_LABELS = GraphFeatures(depth=0)  # counts labels: its columns are the labels' numbers


@dataclass(frozen=True, slots=True)
class GraphNetwork:
    """A graph neural network that reads `space.graph(arch)`; an ensemble, for the uncertainty.

    Wen et al. 2020, Neural predictor for NAS, https://arxiv.org/abs/1912.00848: messages go along the edges and against
    them, by weights of their own. There the nodes' states are normalised and averaged; here messages are summed (Xu et
    al. 2019, https://arxiv.org/abs/1810.00826), so that how many operations there are isn't lost, and what is read is
    the sum of the states with the output's own. It learns normal scores, by `deep_ensemble`; or which of two arches is
    better, as in BRP-NAS (Dudziak et al. 2020, https://arxiv.org/abs/2007.08668), where that is asked of a pair of
    states. Here it is asked of the difference of two scores, so that pairs don't contradict each other.

    Args:
        beside: an encoding that is read along with the graph, for what has no place in it: FLOPs, proxies, ….
        members: of the ensemble.
        width: of a node's state.
        depth: how many edges far a node sees.
        steps: of training; more where that is needed to see each arch 25 times.
        rate: of learning.
        decay: of the weights.
        learns: the `scores`, or only the `order` of the arches.

    Example:
        >>> from netwright.spaces import Space, cell, nn
        >>> space = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}, 3, label="c"))
        >>> arches = list(space.enumerate())
        >>> losses = np.array([-float(space.graph(arch).labels.count("relu")) for arch in arches])
        >>> fitted = GraphNetwork(steps=100).fit(space, arches[::2], losses[::2], np.random.default_rng(0))
        >>> mean, std = fitted.predict(arches)
        >>> bool(np.corrcoef(mean, losses)[0, 1] > 0.9)
        True

    Raises:
        InvalidInput: if a number is out of its range.
    """

    beside: Encoding = field(default_factory=TrainingDecisions)
    members: int = 5
    width: int = 32
    depth: int = 3
    steps: int = 200
    rate: float = 0.01
    decay: float = 0.1
    learns: Literal["scores", "order"] = "scores"

    def __post_init__(self) -> None:
        if self.learns not in ("scores", "order"):
            raise InvalidInput(f"`learns` of GraphNetwork must be 'scores' or 'order', but got {self.learns!r}.")
        if min(self.members, self.width, self.depth, self.steps) < 1 or self.rate <= 0 or self.decay < 0:
            raise InvalidInput(
                "a GraphNetwork needs at least 1 of `members`, `width`, `depth` and `steps`, `rate` above 0 and "
                f"`decay` of at least 0, but got members={self.members}, width={self.width}, depth={self.depth}, "
                f"steps={self.steps}, rate={self.rate}, decay={self.decay}."
            )

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Fitted:
        import torch

        from netwright.predictors.deep_ensemble import Schedule, rank, train

        losses = checked_losses(arches, losses)
        scores = NormalScores.of(losses)
        reader = _Reader.of(space, arches, self.beside)
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        data = reader(arches)
        forward, parameters = self._network(data, generator)
        steps = max(self.steps, _EPOCHS * -(-len(arches) // _BATCH))
        schedule = Schedule(steps, _BATCH, self.rate, self.decay)
        known = scores.forward(losses)
        if self.learns == "order":
            forward, error = rank(forward, parameters, data, known, schedule, rng)
        else:
            error = train(forward, parameters, data, known, schedule, rng)
        return _FittedNetwork(reader, scores, forward, error)

    def _network(self, data: list[torch.Tensor], generator: torch.Generator) -> tuple[Forward, list[torch.Tensor]]:
        """The networks as a function, with their parameters; M members, B arches, N nodes, W the width."""
        import torch

        from netwright.predictors.deep_ensemble import drawn

        members, width = self.members, self.width
        n_labels, n_read = data[0].shape[2], 2 * width + data[-1].shape[1]
        embedding = drawn(generator, members, n_labels, width, fan_in=2)
        layers = [
            [
                *(drawn(generator, members, width, width, fan_in=3 * width) for _ in range(3)),
                drawn(generator, members, width, fan_in=0),
            ]
            for _ in range(self.depth)
        ]
        head = [
            drawn(generator, members, n_read, width, fan_in=n_read),
            drawn(generator, members, 1, width, fan_in=0),
            drawn(generator, members, width, 1, fan_in=2 * width),
            drawn(generator, members, 1, 1, fan_in=0),
        ]
        sizes: list[torch.Tensor] = []  # of what each layer sums, and of what is read, before anything is learned

        def scaled(x: torch.Tensor, layer: int) -> torch.Tensor:
            if layer == len(sizes):
                sizes.append(x.square().mean().sqrt().clamp_min(1e-6))
            return x / sizes[layer]

        def forward(
            labels: torch.Tensor, edges: torch.Tensor, there: torch.Tensor, beside: torch.Tensor
        ) -> torch.Tensor:
            state = torch.einsum("bnv,mvw->bnmw", labels, embedding)  # labels (B, N, n_labels)
            for i, (own, along, against, bias) in enumerate(layers):
                flat = state.flatten(2)  # (B, N, M W)
                before = (edges.mT @ flat).view_as(state)  # from the nodes that lead here; edges (B, N, N)
                behind = (edges @ flat).view_as(state)
                summed = [
                    torch.einsum("bnmv,mvw->bnmw", x, w)
                    for x, w in zip((state, before, behind), (own, along, against), strict=True)
                ]
                new = scaled(sum(summed[1:], summed[0]), i) + bias
                state = (state + torch.relu(new)) * there  # padding stays zero; there (B, N, 1, 1)
            # The output's node is kept at the end, behind the padding.
            read = [scaled(state.sum(dim=1), self.depth), scaled(state[:, -1], self.depth + 1)]
            x = torch.cat([*read, beside[:, None].expand(-1, members, -1)], dim=-1)  # (B, M, n_read)
            hidden = torch.relu(torch.einsum("bmv,mvw->mbw", x, head[0]) + head[1])
            return (hidden @ head[2] + head[3])[..., 0]

        with torch.no_grad():
            forward(*data)  # Mishkin & Matas 2016: sizes as the data have them
        return forward, [embedding, *(part for layer in layers for part in layer), *head]


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """From arches to what the network gets: labels, edges, which nodes there are, and what is beside the graph."""

    space: SearchSpace
    n_labels: int
    beside: Encoding
    features: Features
    centre: Numbers

    @classmethod
    def of(cls, space: SearchSpace, arches: Sequence[Arch], beside: Encoding) -> _Reader:
        raw = encoded(space, beside, arches)
        features = Features.of(raw)
        return cls(space, len(columns_of(space, _LABELS)) + 1, beside, features, features(raw).mean(axis=0))

    def __call__(self, arches: Sequence[Arch]) -> list[torch.Tensor]:
        import torch

        graphs = graphs_of(self.space, arches)
        columns, rest = columns_of(self.space, _LABELS), self.n_labels - 1
        size = max(len(graph.labels) for graph in graphs)
        labels = np.zeros((len(graphs), size, self.n_labels), dtype=np.float32)
        edges = np.zeros((len(graphs), size, size), dtype=np.float32)
        for i, graph in enumerate(graphs):
            last = len(graph.labels) - 1
            for node, label in enumerate(graph.labels):
                labels[i, node if node < last else -1, columns.get(label, rest)] = 1
            for source, target in graph.edges:
                edges[i, source, target if target < last else -1] = 1
        there = labels.max(axis=2)[:, :, None, None]
        numbers = self.features(encoded(self.space, self.beside, arches)) - self.centre
        beside = torch.as_tensor(numbers, dtype=torch.float32)
        return [torch.from_numpy(labels), torch.from_numpy(edges), torch.from_numpy(there), beside]


@dataclass(frozen=True, slots=True, eq=False)
class _FittedNetwork:
    reader: _Reader
    scores: NormalScores
    forward: Forward
    error: float

    def predict(self, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
        from netwright.predictors.deep_ensemble import mixture

        if not len(arches):
            return np.zeros(0), np.zeros(0)
        return self.scores.back(*mixture(self.forward, self.reader(arches), self.error))
