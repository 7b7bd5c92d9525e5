"""`Steps`: how many ways from input to output lead through each kind of operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import counted
from netwright.predictors.protocols import Numbers
from netwright.spaces.graph import ArchGraph

__all__ = ["Steps"]


@dataclass(frozen=True, slots=True)
class Steps:
    """How many ways from input to output lead through each kind of operation, and how many ways there are.

    The shortest summary of a cell: an operation that many ways share counts more than one at its border. A linear
    model of it needs few records.

    Args:
        most: how many different operations have a column; the most frequent ones do.

    Example:
        >>> from netwright.spaces import Space, cell, nn
        >>> space = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}, 3, label="c"))
        >>> arch = Arch({"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "relu"})
        >>> dict(Steps().counts(space.graph(arch)))
        {'': 2, 'relu': 2, 'skip': 1}

    Raises:
        InvalidInput: if `most` isn't at least 1.
    """

    most: int = 2_000

    def __post_init__(self) -> None:
        if self.most < 1:
            raise InvalidInput(f"`most` of Steps must be at least 1, but got {self.most}.")

    def counts(self, graph: ArchGraph) -> Counter[Hashable]:
        """How many ways there are (under an empty name), and how many steps of each label they have."""
        found: Counter[Hashable] = Counter({"": 0})
        for path in graph.paths():
            found[""] += 1
            found.update(path)
        return found

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return counted(space, arches, self)
