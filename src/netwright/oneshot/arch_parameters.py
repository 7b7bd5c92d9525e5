"""`ArchParameters`: what a relaxation learns instead of taking decisions: a row of logits for each choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput, unknown

__all__ = ["ArchParameters", "MixedChoice", "Table"]


@dataclass(frozen=True, slots=True)
class MixedChoice:
    """A choice that is relaxed.

    Attributes:
        name: the decision's; for the edges of a node that nothing is decided about, made up.
        options: what can be decided.
        kind: `module`: an option is a module; `depth`: how many blocks; `edges`: those that enter a cell's node.
        nothing: whether each option is no connection at all.
        skips: whether each option passes on what it gets.
        choices: of edges: the name of the choice on each of them, if there is one.
        k: of edges: how many are kept; None: all.
    """

    name: str
    options: tuple[Decided, ...]
    kind: Literal["module", "depth", "edges"] = "module"
    nothing: tuple[bool, ...] = ()
    skips: tuple[bool, ...] = ()
    choices: tuple[str | None, ...] = ()
    k: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many options, sampled together.

    Attributes:
        rows: the choices.
        edges: whether they are of edges.
    """

    rows: tuple[MixedChoice, ...]
    edges: bool

    @property
    def n_options(self) -> int:
        """How many options each row has."""
        return len(self.rows[0].options)


class ArchParameters(nn.Module):
    """One row of logits for each choice; rows of equal length are one parameter.

    Args:
        choices: what is relaxed, each name once.
        spread: standard deviation of the first logits.
        seed: of these.

    Attributes:
        tables: the rows that belong together, in the order of `logits`.
        logits: a parameter (rows, options) for each table.

    Example:
        >>> parameters = ArchParameters([MixedChoice("op", ("skip", "conv")), MixedChoice("act", ("relu", "silu"))])
        >>> parameters.logits[0].shape, parameters.weights()["op"]
        (torch.Size([2, 2]), {'skip': 0.5..., 'conv': 0.49...})
        >>> parameters.drop("op", "skip")
        >>> parameters.weights()["op"]
        {'skip': 0.0, 'conv': 1.0}
    """

    def __init__(self, choices: Iterable[MixedChoice], *, spread: float = 1e-3, seed: int = 0) -> None:
        super().__init__()
        grouped: dict[tuple[bool, int], list[MixedChoice]] = {}
        for mixed in choices:
            grouped.setdefault((mixed.kind == "edges", len(mixed.options)), []).append(mixed)
        self.tables = [Table(tuple(rows), edges) for (edges, _), rows in grouped.items()]
        self.spread, self.seed = spread, seed
        self.logits = nn.ParameterList(torch.zeros(len(table.rows), table.n_options) for table in self.tables)
        self.restart(0)
        for number, table in enumerate(self.tables):
            self.register_buffer(f"dropped{number}", torch.zeros(len(table.rows), table.n_options, dtype=torch.bool))
        self._place = {row.name: (t, r) for t, table in enumerate(self.tables) for r, row in enumerate(table.rows)}

    def restart(self, number: int) -> None:
        """Begin anew with small random logits; what was dropped stays so.

        Args:
            number: of the restart: others for each.
        """
        generator = torch.Generator().manual_seed(self.seed + 7919 * number)
        with torch.no_grad():
            for logits in self.logits:
                logits.copy_(self.spread * torch.randn(logits.shape, generator=generator))

    def choices(self) -> Iterator[MixedChoice]:
        """All that is relaxed."""
        return (row for table in self.tables for row in table.rows)

    def choice(self, name: str) -> MixedChoice:
        """One of them.

        Raises:
            NotFound: for an unknown name.
        """
        table, row = self._find(name)
        return self.tables[table].rows[row]

    def dropped(self, table: int) -> torch.Tensor:
        """Which options of a table's rows aren't mixed any more, booleans (rows, options)."""
        return getattr(self, f"dropped{table}")

    def alive(self, table: int) -> torch.Tensor:
        """The logits of a table, (rows, options), minus infinity for what is dropped."""
        dropped = self.dropped(table)
        return self.logits[table].masked_fill(dropped, -torch.inf) if bool(dropped.any()) else self.logits[table]

    def options(self, name: str) -> list[Decided]:
        """The options of a choice that are left."""
        table, row = self._find(name)
        dropped = self.dropped(table)[row].tolist()
        return [option for option, gone in zip(self.choice(name).options, dropped, strict=True) if not gone]

    def drop(self, name: str, option: Decided) -> None:
        """Mix an option no more.

        Raises:
            InvalidInput: if it is the last one.
        """
        table, row = self._find(name)
        if self.options(name) == [option]:
            raise InvalidInput(f"{option!r} is the last option of {name!r}: it can't be dropped.")
        self.dropped(table)[row, self.choice(name).options.index(option)] = True

    def weights(self, *, competing: bool = True) -> dict[str, dict[Decided, float]]:
        """The softmax of each row, by decision and option: for people and for derivations.

        Args:
            competing: False: sigmoids in place of the softmax, but for edges.
        """
        found: dict[str, dict[Decided, float]] = {}
        with torch.no_grad():
            for number, table in enumerate(self.tables):
                logits = self.alive(number)
                weights = logits.softmax(-1) if competing or table.edges else logits.sigmoid()
                for row, values in zip(table.rows, weights.tolist(), strict=True):
                    found[row.name] = dict(zip(row.options, values, strict=True))
        return found

    def probabilities(self) -> dict[str, torch.Tensor]:
        """The softmax of each row but those of edges, (options,), differentiable."""
        found: dict[str, torch.Tensor] = {}
        for number, table in enumerate(self.tables):
            if not table.edges:
                rows = self.alive(number).softmax(-1).unbind()
                found |= {row.name: weights for row, weights in zip(table.rows, rows, strict=True)}
        return found

    def set_weights(self, weights: Mapping[str, Mapping[Decided, float]]) -> None:
        """Logits whose softmax these weights are: to look at a mixture, or to start from one.

        Raises:
            NotFound: for an unknown decision or option.
        """
        with torch.no_grad():
            for name, given in weights.items():
                table, row = self._find(name)
                options = self.choice(name).options
                for option, weight in given.items():
                    if option not in options:
                        raise unknown(f"option of {name!r}", option, map(str, options))
                    self.logits[table][row, options.index(option)] = torch.tensor(weight).clamp_min(1e-30).log()

    def _find(self, name: str) -> tuple[int, int]:
        if name not in self._place:
            raise unknown("relaxed choice", name, self._place)
        return self._place[name]
