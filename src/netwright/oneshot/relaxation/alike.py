"""Parts of a network that are alike, of which a share can be left out for a while: how a relaxed network gets deeper.

Chen et al. 2019, P-DARTS, https://arxiv.org/abs/1904.12760.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from netwright.models.layers import CellStack
from netwright.oneshot.mixture import Mixing

__all__ = ["Alike", "AlikeStack"]


class Alike(nn.Module):
    """Parts one after the other that are alike and keep the shape; only the first ones, where the mixing says so.

    Args:
        parts: at least one.
        mixing: tells which share of them is computed; the first is, in any case.
    """

    def __init__(self, parts: Sequence[nn.Module], mixing: Mixing) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.mixing = mixing

    def append(self, part: nn.Module) -> None:
        """One more."""
        self.parts.append(part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = len(self.parts)
        n = max(1, round(self.mixing.depth_share * n)) if self.mixing.measured else n
        for i, part in enumerate(self.parts):
            if i < n:
                x = part(x)
        return x


class AlikeStack(nn.Module):
    """A stack of cells of which those can be left out that are alike, with inputs and an output of one shape.

    Args:
        stack: the stack.
        kinds: a text for each cell; equal for those that are alike.
        mixing: tells which share of them is computed.
    """

    def __init__(self, stack: CellStack, kinds: Sequence[str], mixing: Mixing) -> None:
        super().__init__()
        self.stack = stack
        self.kinds = list(kinds)
        self.mixing = mixing
        self._runs: list[list[int]] = []  # cells one after the other that can be left out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self._left_out()
        before = last = x
        for number, stem in enumerate(self.stack.stems):
            y = stem(last)
            before, last = (last if number else y), y
        for i, cell in enumerate(self.stack.cells):
            if i in out:
                continue
            y = cell(before, last)
            if not self.mixing.measured and before.shape == last.shape == y.shape:
                self._note(i)
            before, last = last, y
        return last

    def _note(self, cell: int) -> None:
        """The cell can be left out."""
        run = self._runs[-1] if self._runs else []
        if run and run[-1] == cell - 1 and self.kinds[cell - 1] == self.kinds[cell]:
            run.append(cell)
        elif not any(cell in known for known in self._runs):
            self._runs.append([cell])

    def _left_out(self) -> set[int]:
        share = self.mixing.depth_share
        if not self.mixing.measured or share >= 1:
            return set()
        return {cell for run in self._runs for cell in run[round(share * len(run)) :]}
