"""`Drawing`: a model as layers and the edges between them, and the folding of what repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.errors import InvalidInput

__all__ = ["Drawing", "DrawnLayer", "Repeat", "collapse"]

_LONGEST_PART = 60  # layers of a part that is looked for again: keeps folding fast in very deep models


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """One layer (or operation) of a model.

    Attributes:
        name: where it is in the model, such as `blocks.0.conv`.
        type: what it is, such as `Conv2d`.
        shape: of its output, without the batch.
        params: its own parameters.
        detail: its settings in short, such as `3x3, 64`.
    """

    name: str
    type: str
    shape: tuple[int, ...] = ()
    params: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The layers of a model in an order in which they can be computed, and what feeds what.

    Attributes:
        layers: each after all that feed it.
        edges: pairs (from, to) of places in `layers`; None: each layer feeds the next.
        input_shape: of one example, without the batch; () if not known.
        entries: places of the layers that the input feeds; None: all that nothing else feeds.

    Example:
        >>> drawing = Drawing(
        ...     (DrawnLayer("stem", "Conv2d"), DrawnLayer("act", "ReLU"), DrawnLayer("add", "Add")),
        ...     edges=((0, 1), (1, 2), (0, 2)),
        ... )
        >>> drawing.sources(2)
        (0, 1)
    """

    layers: tuple[DrawnLayer, ...]
    edges: tuple[tuple[int, int], ...] | None = None
    input_shape: tuple[int, ...] = ()
    entries: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        n = len(self.layers)
        wrong = next(((a, b) for a, b in self.edges or () if not 0 <= a < b < n), None)
        if wrong is not None:
            raise InvalidInput(
                f"every edge of a drawing must lead from an earlier to a later one of its {n} layers, "
                f"but got {wrong}; give the layers in an order in which they can be computed."
            )
        strange = [place for place in self.entries or () if not 0 <= place < n]
        if strange:
            raise InvalidInput(f"every entry of a drawing must be a place of its {n} layers, but got {strange[0]}.")

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """The edges; those of a chain where none were given."""
        if self.edges is None:
            return tuple((i, i + 1) for i in range(len(self.layers) - 1))
        return tuple(dict.fromkeys(self.edges))

    def sources(self, place: int) -> tuple[int, ...]:
        """The layers that feed the one at this place."""
        return tuple(sorted(a for a, b in self.links if b == place))

    @property
    def fed_by_input(self) -> tuple[int, ...]:
        """The layers that the input feeds."""
        if self.entries is not None:
            return tuple(dict.fromkeys(self.entries))
        fed = {b for _, b in self.links}
        return tuple(place for place in range(len(self.layers)) if place not in fed)

    @property
    def params(self) -> int:
        """The parameters of all layers."""
        return sum(layer.params for layer in self.layers)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Layers of a folded drawing that stand for several equal parts in a row.

    Attributes:
        first, last: places in the folded drawing.
        times: how often the part occurs in the model.
    """

    first: int
    last: int
    times: int


def collapse(drawing: Drawing, *, above: int = 16) -> tuple[Drawing, tuple[Repeat, ...]]:
    """Fold equal parts in a row into one, in a drawing of more than `above` layers.

    Two parts are equal when their layers have the same types, details, shapes and parameters, and are fed from the
    same distances; nothing outside may be fed from any but the last part. The folded drawing keeps the first part.

    Example:
        >>> layers = (DrawnLayer("in", "Linear"),) + tuple(
        ...     DrawnLayer(f"{i}", kind) for i in range(8) for kind in ("Linear", "ReLU", "Dropout")
        ... )
        >>> folded, repeats = collapse(Drawing(layers))
        >>> len(folded.layers), repeats
        (4, (Repeat(first=1, last=3, times=8),))
    """
    n = len(drawing.layers)
    if n <= above:
        return drawing, ()
    links = drawing.links
    fed: list[list[int]] = [[] for _ in range(n)]
    for a, b in [*links, *((-1, b) for b in drawing.entries or ())]:
        fed[b].append(b - a)
    keys = [
        (layer.type, layer.detail, layer.shape, layer.params, tuple(sorted(fed[i])))
        for i, layer in enumerate(drawing.layers)
    ]
    runs = _runs(keys, links)
    if not runs:
        return drawing, ()
    # Where each layer of the model is in the folded drawing.
    place: list[int] = []
    kept: list[int] = []
    repeats: list[Repeat] = []
    i = 0
    for start, period, times in [*runs, (n, 1, 0)]:
        for j in range(i, start):
            place.append(len(kept))
            kept.append(j)
        if times:
            first = len(kept)
            kept.extend(range(start, start + period))
            place.extend(first + k % period for k in range(period * times))
            repeats.append(Repeat(first, first + period - 1, times))
            i = start + period * times
    hidden = set(range(n)) - set(kept)
    edges = []
    for a, b in links:
        if b in hidden:  # inside a run, shown once
            continue
        edges.append((place[a], place[b]))
    entries = None if drawing.entries is None else tuple(place[b] for b in drawing.entries if b not in hidden)
    folded = Drawing(tuple(drawing.layers[j] for j in kept), tuple(edges), drawing.input_shape, entries)
    return folded, tuple(repeats)


def _runs(keys: Sequence[tuple[object, ...]], links: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Runs (start, period, times) from left to right; at each start the one that saves most, the shortest first."""
    n = len(keys)
    runs = []
    start = 0
    while start < n:
        best = (0, 0, 0)  # (saved, period, times)
        for period in range(1, min((n - start) // 2, _LONGEST_PART) + 1):
            times = 1
            while keys[start + times * period : start + (times + 1) * period] == keys[start : start + period]:
                times += 1
            while times > 1 and not _foldable(start, period, times, links):
                times -= 1
            saved = (times - 1) * period
            if saved > best[0]:
                best = (saved, period, times)
        saved, period, times = best
        if saved >= 2:
            runs.append((start, period, times))
            start += period * times
        else:
            start += 1
    return runs


def _foldable(start: int, period: int, times: int, links: Sequence[tuple[int, int]]) -> bool:
    """Whether nothing after the run is fed from any but its last part, and no part from before the one ahead of it."""
    end, last = start + period * times, start + period * (times - 1)
    return not any(start <= a < last and b >= end for a, b in links) and not any(
        start + period <= b < end and a < start for a, b in links if b >= start + 2 * period
    )
