"""Stages of a search: deeper networks with fewer options, step by step (P-DARTS, DrNAS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.errors import InvalidInput

if TYPE_CHECKING:
    from netwright.oneshot.relaxed import Relaxed

__all__ = ["Stage", "StagePlan"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        until: the share of the search at which it ends.
        depth: the share of cells in a row that are there.
        keep: the share of each choice's options that are there; the weakest were dropped when it began.
        partial: 1/partial of the channels are mixed; None: as the method says.
        skip_dropout: how much of the skip connections' output is dropped when it begins; it falls to zero.
    """

    until: float = 1.0
    depth: float = 1.0
    keep: float = 1.0
    partial: int | None = None
    skip_dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class StagePlan:
    """All stages of a search.

    Attributes:
        stages: in their order; the last one ends at 1.
        restart: whether the architecture parameters begin anew in each stage.

    Example:
        >>> plan = StagePlan((Stage(0.5, depth=0.5), Stage(1.0, keep=0.5)))
        >>> plan.number(0.2), plan.number(0.7)
        (0, 1)

    Raises:
        InvalidInput: if the stages don't follow each other.
    """

    stages: tuple[Stage, ...] = (Stage(),)
    restart: bool = False

    def __post_init__(self) -> None:
        ends = [stage.until for stage in self.stages]
        if not ends or ends != sorted(set(ends)) or ends[0] <= 0 or ends[-1] != 1.0:
            raise InvalidInput(f"`until` of the stages must rise and end at 1, but got {ends}.")

    def number(self, progress: float) -> int:
        """Which stage it is."""
        return next((i for i, stage in enumerate(self.stages) if progress < stage.until), len(self.stages) - 1)

    def inside(self, progress: float) -> float:
        """How far the stage is, 0..1."""
        i = self.number(progress)
        start = self.stages[i - 1].until if i else 0.0
        return min(1.0, max(0.0, (progress - start) / (self.stages[i].until - start)))

    def enter(self, relaxed: Relaxed, number: int, *, partial: int) -> None:
        """A stage begins: drop options, and begin anew where that is asked for.

        Args:
            relaxed: the network.
            number: of the stage.
            partial: what the method says.
        """
        stage = self.stages[number]
        relaxed.mixing.depth_share = stage.depth
        relaxed.mixing.partial = partial if stage.partial is None else stage.partial
        if number == 0:
            return
        weights = relaxed.alphas.weights()
        for mixed in relaxed.alphas.choices():
            if mixed.kind == "edges":
                continue
            left = relaxed.alphas.options(mixed.name)
            n_kept = max(2, round(stage.keep * len(mixed.options)))
            weakest = sorted(left, key=weights[mixed.name].__getitem__)
            for option in weakest[: max(0, len(left) - n_kept)]:
                relaxed.alphas.drop(mixed.name, option)
        if self.restart:
            relaxed.alphas.restart(number)

    def adjust(self, relaxed: Relaxed, progress: float) -> None:
        """What changes within a stage."""
        stage = self.stages[self.number(progress)]
        relaxed.mixing.skip_dropout = stage.skip_dropout * (1 - self.inside(progress))
