"""`SharedWeights`: one tensor for each parameter at each place of a space, as large as the largest arch needs.

It is filled in three steps: `observe` collects what arches need, `settle` makes the tensors, and from then on modules
are bound to them: a part that needs a whole tensor holds it as its own parameter, another gets a slice before each
forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from netwright.core.errors import InvalidSpace
from netwright.models.slicing import Cut, cut, put

__all__ = ["Entry", "SharedWeights"]

_MOST_COPIES = 32
_SPREAD = 1_000_003  # between the seeds of entries


@dataclass(slots=True)
class Entry:
    """One shared tensor.

    Attributes:
        name: its place, what is in it and, where copies are kept, their shape.
        cuts: how smaller ones lie in it.
        buffer: whether it is a running statistic and not a parameter.
        shape: of the whole tensor: the largest size of each axis that an arch needs.
        largest: the number of the observed arch that needs most of it, and how much.
    """

    name: str
    cuts: tuple[Cut, ...]
    buffer: bool
    shape: tuple[int, ...]
    largest: tuple[int, int] = (-1, -1)


class SharedWeights(nn.Module):
    """The tensors that all arches of a space share.

    Example:
        >>> weights = SharedWeights(most_copies=4)
        >>> for number, shape in enumerate([(2, 3), (4, 2)]):
        ...     weights.observe("fc/weight", ("prefix", "prefix"), shape, buffer=False, arch=number)
        >>> weights.settle("cpu")
        >>> weights.tensor("fc/weight").shape
        torch.Size([4, 3])

    Args:
        most_copies: of a parameter that can't be sliced, one for each shape.
    """

    def __init__(self, *, most_copies: int = _MOST_COPIES) -> None:
        super().__init__()
        self.most_copies = most_copies
        self.entries: dict[str, Entry] = {}
        self.copies: dict[str, list[tuple[int, ...]]] = {}
        self.settled = False

    def name_of(self, place: str, cuts: tuple[Cut, ...] | None, shape: Sequence[int], kind: str) -> str:
        """The entry of a parameter: at most one for each place, but for what can't be sliced.

        Raises:
            InvalidSpace: if there are too many shapes of what can't be sliced.
        """
        if cuts is not None:
            known = self.entries.get(place)
            return place if known is None or known.cuts == cuts else f"{place}~{'-'.join(map(str, cuts))}"
        shapes = self.copies.setdefault(place, [])
        size = tuple(shape)
        if size not in shapes:
            shapes.append(size)
        if len(shapes) > self.most_copies:
            raise InvalidSpace(
                f"a supernet keeps a copy of {place!r} ({kind}) for each shape, but there are more than "
                f"{self.most_copies}: give {kind} `elastic_axes`, which say how it is sliced, let it consist of "
                "torch's own layers, or leave it fewer values."
            )
        return f"{place}[{'x'.join(map(str, size))}]"

    def observe(self, name: str, cuts: tuple[Cut, ...], shape: Sequence[int], *, buffer: bool, arch: int) -> None:
        """Note that an arch (its number) needs so much of an entry."""
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = Entry(name, cuts, buffer, tuple(shape))
        entry.shape = tuple(map(max, entry.shape, shape))
        needs = int(torch.Size(shape).numel())
        if needs > entry.largest[1]:
            entry.largest = (arch, needs)

    def sizes(self) -> dict[str, tuple[tuple[int, ...], tuple[int, int]]]:
        """The shape of each entry, and the arch that needs most of it, so far."""
        return {name: (entry.shape, entry.largest) for name, entry in self.entries.items()}

    def shrink(self, sizes: Mapping[str, tuple[tuple[int, ...], tuple[int, int]]]) -> None:
        """Back to earlier `sizes`: what was observed since belongs to an arch that can't be built."""
        for name in [name for name in self.entries if name not in sizes]:
            del self.entries[name]
        for name, entry in self.entries.items():
            entry.shape, entry.largest = sizes[name]

    def settle(self, device: str | torch.device) -> None:
        """Make the tensors, of zeros."""
        for entry in self.entries.values():
            tensor = torch.zeros(entry.shape, device=device)
            if entry.buffer:
                self.register_buffer(_registered(entry.name), tensor)
            else:
                self.register_parameter(_registered(entry.name), nn.Parameter(tensor))
        self.settled = True

    def tensor(self, name: str) -> torch.Tensor:
        """An entry's whole tensor."""
        registered = _registered(name)
        found = self._parameters.get(registered)
        return found if found is not None else self._buffers[registered]  # type: ignore[return-value]  # one of both

    def fits(self, name: str, shape: Sequence[int]) -> bool:
        """Whether a part of this shape lies in the entry."""
        entry = self.entries.get(name)
        return entry is not None and all(n <= most for n, most in zip(shape, entry.shape, strict=True))

    def part(self, name: str, shape: Sequence[int]) -> torch.Tensor:
        """What a layer of this shape takes of an entry."""
        return cut(self.tensor(name), shape, self.entries[name].cuts)

    def fill(self, name: str, values: torch.Tensor, *, seed: int) -> None:
        """Fresh values of the largest part; what lies outside of it is drawn from them."""
        entry, full = self.entries[name], self.tensor(name)
        with torch.no_grad():
            if tuple(values.shape) != entry.shape:
                # By the name too, or entries of one shape would be drawn alike.
                generator = torch.Generator().manual_seed(seed + _SPREAD * (1 + list(self.entries).index(name)))
                flat = values.reshape(-1).cpu()
                rows = torch.randint(len(flat), (full.numel(),), generator=generator)
                full.copy_(flat[rows].reshape(full.shape))
            put(full, values.to(full), entry.cuts)

    def named(self) -> Iterator[tuple[str, torch.Tensor]]:
        """All entries with their tensors."""
        return ((name, self.tensor(name)) for name in self.entries)


def _registered(name: str) -> str:
    return name.replace(".", "/")
