"""Few-shot NAS: a supernet is split into several, each for a part of the space.

Zhao et al. 2021, Few-shot neural architecture search, https://arxiv.org/abs/2006.06863. The fewer paths share a
weight, the better a path says what its arch is worth; with a supernet for each option of one decision, nothing that
differs there is shared any more. Each begins with the weights of the whole one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from netwright.core import Arch
from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.oneshot.supernet import Supernet
from netwright.spaces import Space
from netwright.spaces.domains import Categorical

__all__ = ["SubSupernets", "decision_to_split", "parts_of"]

_MOST_PARTS = 8


class SubSupernets:
    """Supernets of the same space, one for each value of a decision.

    Args:
        decision: its name.
        supernets: by its values.

    Example:
        >>> from netwright import nn, choice
        >>> space = Space(nn.Sequential(choice({"a": nn.LazyLinear(2), "b": nn.LazyLinear(3)}, label="op")))
        >>> found = SubSupernets.of_whole(Supernet(space, input_shape=(4,)), "op")
        >>> found.of(Arch({"op": "a"})) is found.of(Arch({"op": "b"}))
        False
    """

    def __init__(self, decision: str, supernets: dict[Decided, Supernet]) -> None:
        self.decision = decision
        self.supernets = supernets

    @classmethod
    def of_whole(cls, supernet: Supernet, decision: str) -> SubSupernets:
        """Copies of a supernet, one for each value of a decision."""
        values = [value for value, _ in parts_of(supernet.space, decision)]
        return cls(decision, {value: copy.deepcopy(supernet) for value in values})

    def of(self, arch: Arch) -> Supernet:
        """The supernet that an arch is a path of.

        Raises:
            InvalidInput: if there is none for its value of the decision.
        """
        value = arch.get(self.decision)
        if value not in self.supernets:
            raise InvalidInput(
                f"there is a supernet for each of {', '.join(map(repr, self.supernets))} of {self.decision!r}, but the "
                f"arch has {value!r}."
            )
        return self.supernets[value]


def parts_of(space: Space, decision: str) -> Iterator[tuple[Decided, Space]]:
    """The values of a decision, each with the part of the space that has it.

    Example:
        >>> from netwright import nn, choice
        >>> space = Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()], label="act"), nn.LazyLinear(choice([4, 8]))))
        >>> [(value, part.size()) for value, part in parts_of(space, "act")]
        [('ReLU', 2), ('SiLU', 2)]

    Raises:
        InvalidInput: if it can't be split by.
    """
    found = next((one for one in space.decisions if one.name == decision), None)
    if found is None or found.conditions or not 2 <= found.domain.count <= _MOST_PARTS:
        can = [d.name for d in space.decisions if not d.conditions and 2 <= d.domain.count <= _MOST_PARTS]
        raise InvalidInput(
            f"a supernet can be split by a decision that always counts and has 2 to {_MOST_PARTS} values, but got "
            f"{decision!r}: use one of {', '.join(map(repr, can)) or 'another space'}."
        )
    for value in found.domain.grid(2):
        yield value, space.narrowed({decision: Categorical((value,))})


def decision_to_split(space: Space) -> str:
    """The decision that a supernet is split by if none is named: of those that always count, one with most values.

    Among equals, one that chooses between modules comes first, then the first in the space's order. The paper finds
    that it matters little which; in a cell it may: see `benchmarks/supernet_ranking.py --edge`.

    Raises:
        InvalidSpace: if there is none.
    """
    can = [d for d in space.decisions if not d.conditions and 2 <= d.domain.count <= _MOST_PARTS]
    if not can:
        raise InvalidSpace(
            f"few-shot splitting needs a decision that always counts and has 2 to {_MOST_PARTS} values, but "
            f"{space.name!r} has none: leave it out."
        )
    return max(can, key=lambda d: (d.domain.count, isinstance(d.domain.default, str))).name
