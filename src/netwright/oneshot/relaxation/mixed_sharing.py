"""`MixedSharing`: module trees in which every choice is a mixture, with a supernet's shared weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.models.layers import Cell, CellStack
from netwright.models.sharing import Place, Sharing
from netwright.models.targets import target_of
from netwright.oneshot.arch_parameters import MixedChoice
from netwright.oneshot.mixed_cell import MixedCell
from netwright.oneshot.mixture import MixedDepth, Mixing, Mixture
from netwright.oneshot.relaxation.alike import Alike, AlikeStack
from netwright.oneshot.relaxation.relaxable import is_identity, makes_module
from netwright.spaces.identity import identity
from netwright.spaces.nodes import Call, Choice, Repeat, Subset

__all__ = ["MixedSharing"]

_NOTHING_DECIDED = Arch({})


class MixedSharing(Sharing):
    """Makes the one module that mixes all arches.

    Args:
        sharing: of the supernet.
        mixing: what its mixtures are told.

    Attributes:
        mixed: the choices that became mixtures, by name.
    """

    def __init__(self, sharing: Sharing, mixing: Mixing) -> None:
        super().__init__(sharing.tree, sharing.weights, sharing.placeholders, sharing.device)
        self.mixing = mixing
        self.mixed: dict[str, MixedChoice] = {}
        self._sequential = [False]  # whether None means the identity here
        self._picked: dict[
            int, MixedChoice
        ] = {}  # the row of an edge among which some are picked, by its operation's id

    def relaxed(self) -> nn.Module:
        """The module tree of the mixture."""
        return self.module(_NOTHING_DECIDED)

    def choice(self, node: Choice, place: Place, arch: Arch) -> Any:
        """All options, mixed."""
        as_identity = self._sequential[-1]
        name = str(node.label)
        skips = tuple(is_identity(option) or (option is None and as_identity) for option in node.options)
        nothing = tuple(option is None and not as_identity for option in node.options)
        mixed = self.mixed.setdefault(name, MixedChoice(name, node.keys, "module", nothing, skips))
        options = [
            self.make(option, (*place, str(key)), arch) for option, key in zip(node.options, node.keys, strict=True)
        ]
        return Mixture(mixed, options, self.mixing, identity=as_identity)

    def subset(self, node: Subset, place: Place, arch: Arch) -> Any:
        """All options: the cell that gets them weighs its edges."""
        edges = [
            self.make(option, (*place, str(key)), arch) for option, key in zip(node.options, node.keys, strict=True)
        ]
        name = str(node.label)
        for edge in edges:
            if not isinstance(edge, tuple) or len(edge) != 3:
                raise InvalidSpace(
                    f"{name!r} picks {node.k} of {len(edges)}, which can be relaxed only if each is an edge of a cell, "
                    f"(source, target, operation), but one is {edge!r}: use `spos`."
                )
        choices = tuple(_choice_in(edge) for edge in edges)
        mixed = self.mixed.setdefault(name, MixedChoice(name, node.keys, "edges", choices=choices, k=node.k))
        self._picked |= {id(edge[2]): mixed for edge in edges}
        return edges

    def repeat(self, node: Repeat, place: Place, arch: Arch) -> Any:
        """All blocks, and the outputs of the allowed depths mixed."""
        if not all(map(makes_module, node.blocks)):
            return [self.make(block, (*place, f"[{i}]"), arch) for i, block in enumerate(node.blocks)]
        self._sequential.append(True)
        blocks = [self.make(block, (*place, f"[{i}]"), arch) for i, block in enumerate(node.blocks)]
        self._sequential.pop()
        depths = tuple(range(node.minimum, len(node.blocks) + 1))
        if len(depths) == 1:
            return nn.Sequential(*(block for block in blocks if block is not None))
        name = str(node.label)
        mixed = self.mixed.setdefault(name, MixedChoice(name, depths, "depth"))
        return MixedDepth(mixed, blocks, node.minimum, self.mixing)

    def _module(self, target: Any, node: Call, place: Place, arch: Arch) -> nn.Module:
        self._sequential.append(target is nn.Sequential)
        try:
            if target is nn.Sequential:
                return self._in_a_row(node, place, arch)
            if target is Cell:
                return self._cell(node, place, arch)
            if target is CellStack:
                return self._stack(node, place, arch)
            return super()._module(target, node, place, arch)
        finally:
            self._sequential.pop()

    def _in_a_row(self, node: Call, place: Place, arch: Arch) -> nn.Module:
        """A `Sequential`; neighbours that are alike are kept together, so that some can be left out for a while."""
        parts = self._args(node, place, arch)
        grouped: list[nn.Module] = []
        last: str | None = None
        for part, call in zip(parts, node.args, strict=True):
            if part is None:
                continue
            text = identity(call) if isinstance(call, Call) and target_of(call) is Cell else None
            if text is not None and text == last:
                before = grouped[-1]
                if isinstance(before, Alike):
                    before.append(part)
                else:
                    grouped[-1] = Alike([before, part], self.mixing)
            else:
                grouped.append(part)
            last = text
        return nn.Sequential(*grouped)

    def _stack(self, node: Call, place: Place, arch: Arch) -> nn.Module:
        stack = super()._module(CellStack, node, place, arch)
        assert isinstance(stack, CellStack)
        calls = node.kwargs["cells"] if "cells" in node.kwargs else node.args[1]
        return AlikeStack(stack, [identity(call) for call in calls], self.mixing)

    def _cell(self, node: Call, place: Place, arch: Arch) -> nn.Module:
        cell = super()._module(Cell, node, place, arch)
        assert isinstance(cell, Cell)
        entering: dict[int, MixedChoice] = {}
        for (_, target), operation in zip(cell.wiring, cell.operations, strict=True):
            if id(operation) in self._picked:
                entering[target] = self._picked[id(operation)]
        for target in range(cell.n_inputs, cell.n_nodes):
            edges = [i for i, (_, end) in enumerate(cell.wiring) if end == target]
            if target not in entering and len(edges) > 1:
                entering[target] = self._undecided(cell, edges, place)
        return MixedCell(cell, entering, self.mixing)

    def _undecided(self, cell: Cell, edges: Sequence[int], place: Place) -> MixedChoice:
        """The row of edges that all stay: for methods that weigh edges, too. Cells that share choices share it."""
        choices = tuple(_choice_in((0, 0, cell.operations[edge])) for edge in edges)
        names = [name for name in choices if name is not None]
        where = "/".join(place) if len(names) < len(edges) else ""
        name = f"edges {where}{', '.join(names)}"
        options = tuple(cell.wiring[edge][0] for edge in edges)
        return self.mixed.setdefault(name, MixedChoice(name, options, "edges", choices=choices))


def _choice_in(edge: Any) -> str | None:
    operation = edge[2] if isinstance(edge, tuple) and len(edge) == 3 else None
    return operation.mixed.name if isinstance(operation, Mixture) else None
