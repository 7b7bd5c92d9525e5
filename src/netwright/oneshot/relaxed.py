"""`Relaxed`: one network that mixes all options of a space's choices, with the weights of a supernet.

Liu et al. 2019, DARTS, https://arxiv.org/abs/1806.09055: architecture parameters weigh the options, so gradients say
which ones are worth more. The mixture takes its weights from the same shared tensors as the supernet's paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidInput
from netwright.models.evaluation_mode import evaluating
from netwright.models.example import example_inputs
from netwright.oneshot.arch_parameters import ArchParameters
from netwright.oneshot.mixture import Mixing, Row
from netwright.oneshot.naming_errors import naming_errors
from netwright.oneshot.relaxation.costs import flops_table
from netwright.oneshot.relaxation.mixed_sharing import MixedSharing
from netwright.oneshot.relaxation.regularisers import CostTable
from netwright.oneshot.relaxation.relaxable import check_relaxable
from netwright.oneshot.relaxation.samplers import Sampler, Softmax
from netwright.oneshot.supernet import Supernet

__all__ = ["Relaxed", "Tables"]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The weights that mixtures have, as `Relaxed.use` takes them."""

    tables: Sequence[torch.Tensor]
    actives: Sequence[torch.Tensor | None] | None = None


class Relaxed(nn.Module):
    """A supernet whose choices are mixtures, weighed by architecture parameters.

    Args:
        supernet: whose weights it has; a derived arch is one of its paths.
        sampler: from architecture parameters to the weights of a forward pass.
        edges: whether edges that enter a node are weighed, too (Xu et al. 2020, PC-DARTS).
        partial: 1/partial of the channels are mixed, the others are passed on; 1: all are mixed.
        spread: standard deviation of the first architecture parameters.
        seed: of these, and of what the sampler draws.

    Attributes:
        drawn: the weights of the last sample.
        alphas: the architecture parameters.
        mixing: what the mixtures are told; for stages of a method.
        generator: of what the sampler draws.

    Example:
        >>> from netwright import nn, choice, Space
        >>> from netwright.oneshot.supernet import Supernet
        >>> act = choice([nn.ReLU(), nn.Tanh()], label="act")
        >>> space = Space(nn.Sequential(nn.LazyLinear(8), act, nn.LazyLinear(3)))
        >>> relaxed = Relaxed(Supernet(space, input_shape=(4,)))
        >>> relaxed(torch.zeros(5, 4)).shape
        torch.Size([5, 3])

    Raises:
        InvalidSpace: if a choice can't be relaxed.
    """

    def __init__(
        self,
        supernet: Supernet,
        *,
        sampler: Sampler | None = None,
        edges: bool = False,
        partial: int = 1,
        spread: float = 1e-3,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_relaxable(supernet.space, "a relaxation")
        if not isinstance(partial, int) or partial < 1:
            raise InvalidInput(f"`partial` must be a whole number of at least 1, but got {partial!r}.")
        self.supernet = supernet
        self.sampler: Sampler = Softmax() if sampler is None else sampler
        self.edges = edges
        self.mixing = Mixing(partial=partial)
        self.generator = torch.Generator().manual_seed(seed + 1)
        self.drawn = Tables([])
        self._costs: CostTable | None = None
        self._make()
        self.alphas = ArchParameters(self._mixed(), spread=spread, seed=seed).to(supernet.device)
        if partial > 1:
            self._check_partial()

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The output of the mixture, with the weights that were sampled last."""
        if not self.mixing.rows:
            self.sample()
        with naming_errors(f"the mixture of the options of {self.supernet.space.name!r}"):
            return self.network(*inputs)

    @property
    def network(self) -> nn.Module:
        """The module tree of the mixture; its parameters are the supernet's."""
        return self.__dict__["tree"]

    def weights(self) -> list[nn.Parameter]:
        """The shared weights that the mixture uses."""
        return list(self.network.parameters())

    def arch_parameters(self) -> list[nn.Parameter]:
        """The architecture parameters; those of edges only if they are weighed."""
        tables = self.alphas.tables
        logits = self.alphas.logits
        return [table for table, facts in zip(logits, tables, strict=True) if self.edges or not facts.edges]

    def sample(self, *, progress: float = 0.0, architecture: bool = True) -> None:
        """Weights for the next forward passes.

        Args:
            progress: of the search, 0..1: temperatures follow it.
            architecture: whether the gradients of the architecture parameters are wanted.
        """
        with torch.set_grad_enabled(architecture and torch.is_grad_enabled()):
            tables: list[torch.Tensor] = []
            actives: list[torch.Tensor | None] = []
            for number, table in enumerate(self.alphas.tables):
                logits = self.alphas.alive(number)
                if table.edges:
                    tables.append(logits.softmax(-1))
                    actives.append(None)
                    continue
                drawn = self.sampler(logits, progress=progress, architecture=architecture, generator=self.generator)
                tables.append(drawn.weights)
                actives.append(drawn.active)
            self.use(tables, actives)

    def use(self, tables: Sequence[torch.Tensor], actives: Sequence[torch.Tensor | None] | None = None) -> None:
        """These weights, (rows, options) for each table of architecture parameters, for the next forward passes.

        Args:
            tables: the weights.
            actives: which options are computed, booleans of the same shapes; None: all that aren't dropped.
        """
        parameters, mixing = self.alphas, self.mixing
        self.drawn = Tables(tables, actives)
        mixing.rows, mixing.edges = {}, {}
        for number, (table, weights) in enumerate(zip(parameters.tables, tables, strict=True)):
            if table.edges:
                if self.edges:
                    mixing.edges |= {row.name: w for row, w in zip(table.rows, weights.unbind(), strict=True)}
                continue
            active = None if actives is None else actives[number]
            which = (~parameters.dropped(number) if active is None else active).tolist()
            plain = active is not None and not weights.requires_grad
            for row, w, computed in zip(table.rows, weights.unbind(), which, strict=True):
                indices = tuple(i for i, there in enumerate(computed) if there)
                mixing.rows[row.name] = Row(w, indices, hard=plain and len(indices) == 1)

    def sampled(self) -> dict[str, torch.Tensor]:
        """The weights of the last sample, by choice: for regularisers."""
        return {name: row.weights for name, row in self.mixing.rows.items()}

    def cost_table(self) -> CostTable:
        """Millions of floating-point operations of each option; measured when it is first asked for."""
        if self._costs is None:
            supernet = self.supernet
            self._costs = flops_table(supernet.space, input_shape=supernet.input_shape, n_outputs=supernet.n_outputs)
        return self._costs

    def functional(self, weights: Mapping[str, torch.Tensor], *inputs: torch.Tensor) -> Any:
        """The output with other weights, by the names of `network`'s parameters."""
        return torch.func.functional_call(self.network, dict(weights), inputs)

    def only(self, arch: Arch) -> None:
        """Weights of one for an arch's options, and zero for all others: the mixture is then that path.

        Raises:
            InvalidSpace: if it isn't an arch of the space.
        """
        self.supernet.space.validate(arch)
        tables, actives = [], []
        for table in self.alphas.tables:
            chosen = torch.zeros(len(table.rows), table.n_options, dtype=torch.bool, device=self.supernet.device)
            for number, row in enumerate(table.rows):
                for option in _decided(arch, row.name, row.options, edges=table.edges):
                    chosen[number, row.options.index(option)] = True
            tables.append(chosen.float())
            actives.append(chosen)
        with self._weighing():
            self.use(tables, actives)

    # ------------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        """The module tree; measured, so that every size is known and every mixture can be computed."""
        self.mixing.measured = False
        sharing = MixedSharing(self.supernet.sharing, self.mixing)
        sharing.device = self.supernet.device
        tree = sharing.relaxed()
        with evaluating(tree), torch.no_grad():
            tree(self._example(tree))
        tree.train(self.training)
        self.__dict__["tree"] = tree  # not a part: its parameters are the supernet's
        self.__dict__["sharing"] = sharing
        self.mixing.measured = True

    def _example(self, tree: nn.Module) -> torch.Tensor:
        x = example_inputs(tree, self.supernet.input_shape, 2, device=self.supernet.device)
        weights = next(self.supernet.parameters(), x)
        return x.to(weights.dtype) if x.is_floating_point() else x

    def _mixed(self) -> Iterator[Any]:
        yield from self.__dict__["sharing"].mixed.values()

    def _check_partial(self) -> None:
        """One pass, so that what can't be cut is said now."""
        with evaluating(self.network), torch.no_grad():
            self.sample(architecture=False)
            self.use([logits.softmax(-1) for logits in self.alphas.logits])
            self.network(self._example(self.network))
        self.mixing.rows = {}

    @contextmanager
    def _weighing(self) -> Iterator[None]:
        """The edges' weights are used, whatever the method says: those that an arch lacks weigh nothing."""
        before, self.edges = self.edges, True
        try:
            yield
        finally:
            self.edges = before

    def train(self, mode: bool = True) -> Relaxed:  # torch's signature
        """Training or evaluation mode, of the mixture and the supernet."""
        super().train(mode)
        if "tree" in self.__dict__:
            self.network.train(mode)
        return self

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Relaxed:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's own
        self.mixing.rows, self.mixing.edges = {}, {}
        self._make()  # on the new device, or with the new memory format
        return self


def _decided(arch: Arch, name: str, options: tuple[Decided, ...], *, edges: bool) -> tuple[Any, ...]:
    """The options that an arch has of a row; all edges or the first one where it decides nothing."""
    if name not in arch:
        return options if edges else options[:1]
    value = arch[name]
    return value if isinstance(value, tuple) and edges else (value,)
