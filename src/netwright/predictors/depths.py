"""`Depths`: how long the ways through a network are, in operations of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import counted
from netwright.predictors.protocols import Numbers
from netwright.spaces.graph import SKIP, ArchGraph

__all__ = ["Depths"]


@dataclass(frozen=True, slots=True)
class Depths:
    """The longest, the shortest and the mean way from input to output, in operations of each kind and of any kind.

    How deep a network is, and whether there is a short way around, says much of what it can learn, and one number says
    it for all cells that look different otherwise. Identities are no steps; the number of ways is a feature too.

    Args:
        most: how many features have a column; those of the most frequent operations do.

    Example:
        >>> from netwright.spaces import Space, cell, nn
        >>> space = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}, 3, label="c"))
        >>> arch = Arch({"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "relu"})
        >>> found = Depths().counts(space.graph(arch))
        >>> [found[key] for key in (("relu", "longest"), ("relu", "shortest"), ("relu", "mean"), ("", "ways"))]
        [2, 0, 1.0, 2]

    Raises:
        InvalidInput: if `most` isn't at least 1.
    """

    most: int = 2_000

    def __post_init__(self) -> None:
        if self.most < 1:
            raise InvalidInput(f"`most` of Depths must be at least 1, but got {self.most}.")

    def counts(self, graph: ArchGraph) -> Counter[Hashable]:
        """The lengths by label (an empty one for operations of any kind) and by what they are of all ways."""
        ways = [[label for label in path if label != SKIP] for path in graph.paths()]
        found: Counter[Hashable] = Counter({("", "ways"): len(ways)})
        if not ways:
            return found
        by_label = {"": [len(way) for way in ways]}
        for label in dict.fromkeys(label for way in ways for label in way):
            by_label[label] = [way.count(label) for way in ways]
        for label, lengths in by_label.items():
            found[label, "longest"] = max(lengths)
            found[label, "shortest"] = min(lengths)
            found[label, "mean"] = sum(lengths) / len(lengths)  # type: ignore[assignment]  # a column takes any number
        return found

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return counted(space, arches, self)
