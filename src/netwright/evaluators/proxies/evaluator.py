"""`ProxyScores`: proxies of an arch, as an evaluator, as costs before training, and as features of a predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput, problems
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Proxy
from netwright.evaluators.proxies.together import THIRTEEN, Scores, proxies_from, together
from netwright.evaluators.training import computing_with
from netwright.models import build
from netwright.spaces import Space
from netwright.tasks import Task

__all__ = ["ProxyScores"]


@dataclass(frozen=True, slots=True)
class ProxyScores:
    """Builds an arch with fresh weights and scores it with one batch of the train part. Nothing is trained.

    As an evaluator, its metrics are the proxies by name; say which one is wanted: `objectives="max:synflow"`. Before a
    training, `Limited(Training(...), ProxyScores(...).of, (Constraint("nwot", 700, ">="),))` leaves out what is not
    worth it. As features of a predictor: `Extra(ProxyScores(...).row)`. Weights, images and draws are the same for each
    time that an arch is scored; they follow from the seed here, not from the candidate's.

    Attributes:
        space: what the arches are of.
        task: the data, and the loss.
        proxies: names with commas between them or as several, or objects by names of your own.
        n_examples: in the batch.
        seed: of the batch, the weights and whatever proxies draw.
        device: where to compute, unless an evaluation's context says it.

    Example:
        >>> from netwright import nn, n_outputs, Space
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> scores = ProxyScores(space, load("blobs"), "params,snip")
        >>> sorted(scores(Candidate(0, Arch({})), Context()))
        ['params', 'snip']

    Raises:
        NotFound: for an unknown proxy.
        InvalidInput: if there is no proxy, or there are fewer than two examples.
    """

    space: Space
    task: Task
    proxies: str | tuple[str, ...] | Mapping[str, Proxy] = THIRTEEN
    n_examples: int = 64
    seed: int = 0
    device: str = "cpu"
    _chosen: Mapping[str, Proxy] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.n_examples < 2:
            raise InvalidInput(f"`n_examples` of ProxyScores must be at least 2, but got {self.n_examples}.")
        object.__setattr__(self, "_chosen", proxies_from(self.proxies))

    __hash__ = None  # type: ignore[assignment]  # may hold a mapping

    @property
    def names(self) -> tuple[str, ...]:
        """Of the proxies, in their order."""
        return tuple(self._chosen)

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """The metrics of a candidate: a score for each proxy.

        Raises:
            EvaluationError: if a proxy has no score of this arch; each one says why.
        """
        with computing_with(context.threads):
            return self.of(candidate.arch, device=context.device)

    def of(self, arch: Arch, *, device: str | None = None) -> dict[str, float]:
        """All scores of an arch.

        Raises:
            EvaluationError: if there is none of some proxy; each one says why.
        """
        scores = self.scores(arch, device=device)
        if scores.failed:
            raise EvaluationError(
                problems("proxies have no score of this arch", [f"{n}: {why}" for n, why in scores.failed.items()])
            )
        return dict(scores.values)

    def row(self, arch: Arch) -> list[float]:
        """All scores of an arch as numbers, in the order of `names`: what `Extra` wants.

        Raises:
            EvaluationError: as for `of`.
        """
        found = self.of(arch)
        return [found[name] for name in self.names]

    def scores(self, arch: Arch, *, device: str | None = None) -> Scores:
        """The scores that there are, and why there aren't others."""
        task, where = self.task, device or self.device
        model = build(
            self.space, arch, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=self.seed, device=where
        )
        if task.modality == "image":
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        return together(model, self.batch(where), self._chosen)

    def batch(self, device: str | None = None) -> ProxyBatch:
        """The examples that every arch is scored with."""
        return ProxyBatch.of(self.task, self.n_examples, seed=self.seed, device=device or self.device)
