"""A drawing as inline SVG: a block diagram from top to bottom that needs no script and takes its colours from the page.

Layers stand in rows by the longest way from the input (the first step of Sugiyama et al. 1981); layers of one row
stand side by side. An edge to the next row goes straight down; a longer one goes round on the right,
in a lane of its own.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.quantity import count_text
from netwright.reports.drawing import Drawing, DrawnLayer, Repeat, collapse
from netwright.reports.wording import plural, shape_text

__all__ = ["drawing_size", "drawing_svg", "family"]

_TALL, _FLAT = 44, 25  # heights of layers with and without parameters
_GAP, _SIDE_GAP, _LANE, _MARGIN = 20, 22, 13, 14
_CHARACTER, _BOLD = 7.2, 8.3  # usual widths at 12.5 px, of wide fonts
_INPUT = "\0input"  # the type of what stands for the model's input: no class is called so

_FAMILIES = (
    ("conv", ("conv",)),
    ("dense", ("linear", "dense", "embedding", "attention", "bilinear", "lstm", "gru", "rnn")),
    ("norm", ("norm",)),
    ("pool", ("pool", "upsample", "interpolate")),
    ("merge", ("add", "concat", "cat", "sum", "mul", "mean", "join", "stack")),
    ("act", ("relu", "silu", "gelu", "elu", "tanh", "sigmoid", "swish", "mish", "softmax", "softplus", "prelu", "glu")),
)


def family(kind: str) -> str:
    """The family of a layer type, which has one colour.

    Example:
        >>> family("LazyConv2d"), family("BatchNorm2d"), family("Hardswish"), family("Dropout")
        ('conv', 'norm', 'act', 'other')
    """
    lowered = kind.lower()
    return next((name for name, parts in _FAMILIES if any(part in lowered for part in parts)), "other")


def drawing_svg(drawing: Drawing, *, fold_above: int = 16) -> str:
    """The SVG element of a drawing; equal parts in a row are folded where there are more than `fold_above` layers.

    Example:
        >>> text = drawing_svg(Drawing((DrawnLayer("fc", "Linear", (10,), 650),), input_shape=(64,)))
        >>> text.startswith("<svg"), "Linear" in text, "650" in text
        (True, True, True)
    """
    plan, repeats = _folded_plan(drawing, fold_above)
    parts = [*_groups(plan, repeats), *_edges(plan), *(_node(box) for box in plan.boxes)]
    left, top, width, height = _extent(plan, folded=bool(repeats))
    title = f"Block diagram of {plural(len(drawing.layers), 'layer')} with {count_text(drawing.params)} parameters"
    return (
        f'<svg class="arch" role="img" aria-label="{title}" viewBox="{left:g} {top:g} {width:g} {height:g}" '
        f'style="width:{width:g}px;min-width:{0.75 * width:.0f}px" xmlns="http://www.w3.org/2000/svg"><title>{title}</title>'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6.5" markerHeight="6.5" '
        'orient="auto">'
        '<path class="arrow" d="M0 0.8L7.4 4L0 7.2z"/></marker></defs>' + "".join(parts) + "</svg>"
    )


def drawing_size(drawing: Drawing, *, fold_above: int = 16) -> tuple[float, float]:
    """The width and height of the SVG in pixels, for a page to make room."""
    plan, repeats = _folded_plan(drawing, fold_above)
    return _extent(plan, folded=bool(repeats))[2:]


@dataclass(slots=True)
class _Box:
    """A placed layer: `x` is its middle, `y` its top."""

    layer: DrawnLayer
    row: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def right(self) -> float:
        return self.x + self.width / 2


@dataclass(slots=True)
class _Plan:
    """Where everything is."""

    boxes: list[_Box]
    rows: list[list[int]]
    links: tuple[tuple[int, int], ...]
    lanes: dict[tuple[int, int], float]

    def straight(self, a: int, b: int) -> bool:
        return self.boxes[b].row == self.boxes[a].row + 1


def _folded_plan(drawing: Drawing, fold_above: int) -> tuple[_Plan, Sequence[Repeat]]:
    if not drawing.input_shape or not drawing.layers:
        folded, repeats = collapse(drawing, above=fold_above)
    else:  # the input is a layer like any other here: it has edges too, and some of them are long
        edges = [*((0, b + 1) for b in drawing.fed_by_input), *((a + 1, b + 1) for a, b in drawing.links)]
        layers = (DrawnLayer("input", _INPUT, drawing.input_shape), *drawing.layers)
        folded, repeats = collapse(Drawing(layers, tuple(edges)), above=fold_above + 1)
    return _plan(folded, repeats), repeats


def _plan(drawing: Drawing, repeats: Sequence[Repeat]) -> _Plan:
    links = drawing.links
    sources: list[list[int]] = [[] for _ in drawing.layers]
    for a, b in links:
        sources[b].append(a)
    width = _width(drawing.layers)
    boxes: list[_Box] = []
    rows: list[list[int]] = []
    for i, (layer, row) in enumerate(zip(drawing.layers, _row_numbers(sources, repeats), strict=True)):
        tall = layer.params > 0 and family(layer.type) not in ("norm", "act")
        own = _CHARACTER * len(_input_text(layer)) + 24 if layer.type == _INPUT else width
        boxes.append(_Box(layer, row, own, _TALL if tall else _FLAT))
        while len(rows) <= row:
            rows.append([])
        rows[row].append(i)
    firsts = {boxes[repeat.first].row for repeat in repeats}
    lasts = {boxes[repeat.last].row for repeat in repeats}
    y = 0.0
    for row, places in enumerate(rows):
        # Layers stand under what feeds them: order by the mean place of the sources in the row above.
        places.sort(key=lambda i: (sum(boxes[a].x for a in sources[i]) / (len(sources[i]) or 1), i))
        for k, i in enumerate(places):
            boxes[i].x = (k - (len(places) - 1) / 2) * (width + _SIDE_GAP)
            boxes[i].y = y
        height = max(boxes[i].height for i in places)
        for i in places:  # flat layers beside tall ones stand in the middle of the row
            boxes[i].y += (height - boxes[i].height) / 2
        busy = len(places) > 1 or (row + 1 < len(rows) and len(rows[row + 1]) > 1)
        edge = row in lasts or row + 1 in firsts  # the frame of a repeat passes here
        y += height + (12 if edge else 0) + _GAP + (10 if busy else 0) - (6 if height == _FLAT else 0)
    plan = _Plan(boxes, rows, links, {})
    plan.lanes = _lanes(plan)
    return plan


def _row_numbers(sources: Sequence[Sequence[int]], repeats: Sequence[Repeat]) -> list[int]:
    """Rows by the longest way from the start; what the first layer doesn't lead to stands right above its use.

    The rows of a repeat are its own: nothing else may stand inside its frame.
    """
    borders = {place for repeat in repeats for place in (repeat.first, repeat.last + 1)}
    users: list[list[int]] = [[] for _ in sources]
    rows: list[int] = []
    led: list[bool] = []
    least = 0
    for i, feeding in enumerate(sources):
        if i in borders:
            least = max(rows, default=-1) + 1
        rows.append(max([least, *(rows[a] + 1 for a in feeding)]))
        led.append(i == 0 or any(led[a] for a in feeding))
        for a in feeding:
            users[a].append(i)
    for i in reversed(range(len(rows))):
        if not led[i] and users[i]:
            rows[i] = max(rows[i], min(rows[b] for b in users[i]) - 1)
    return rows


def _width(layers: Sequence[DrawnLayer]) -> float:
    """One width for all layers: that of the longest text, within limits."""
    return min(max([_text_width(layer) + 36 for layer in layers] + [180]), 290)


def _text_width(layer: DrawnLayer) -> float:
    """The width of a layer's first line."""
    return _BOLD * len(layer.type) + _CHARACTER * (1 + len(layer.detail) + 1 + len(_right(layer)))


def _lanes(plan: _Plan) -> dict[tuple[int, int], float]:
    """The x of the lane of each edge that passes over rows; short edges get the inner lanes."""
    found: dict[tuple[int, int], float] = {}
    taken: list[tuple[float, float, float]] = []  # (from, to, x), in rows
    long = [(a, b) for a, b in plan.links if not plan.straight(a, b)]
    for a, b in sorted(long, key=lambda link: (plan.boxes[link[1]].row - plan.boxes[link[0]].row, link)):
        first, last = plan.boxes[a].row, plan.boxes[b].row
        x = max(plan.boxes[i].right for row in plan.rows[first : last + 1] for i in row) + 18
        start, end = first + 0.75, last + 0.25
        while any(abs(x - other) < _LANE and start < stop and begin < end for begin, stop, other in taken):
            x += _LANE
        taken.append((start, end, x))
        found[a, b] = x
    return found


def _edges(plan: _Plan) -> list[str]:
    found = []
    for a, b in plan.links:
        source, target = plan.boxes[a], plan.boxes[b]
        if plan.straight(a, b):
            x1, y1, x2, y2 = source.x, source.bottom, target.x, target.y
            half = max(plan.boxes[i].bottom for i in plan.rows[source.row]) + 11
            path = f"M{x1:g} {y1:g}" + ("" if x1 == x2 else _bend(x1, x2, half)) + f"V{y2:g}"
            found.append(f'<path class="edge" d="{path}" marker-end="url(#arrow)"/>')
        else:
            found.append(_long_edge(plan, a, b))
    return found


def _bend(x1: float, x2: float, y: float) -> str:
    """Down to a height, across at it, and down again, with round corners."""
    r = min(7.0, abs(x2 - x1) / 2)
    side = math.copysign(r, x2 - x1)
    return f"V{y - r:g}Q{x1:g} {y:g} {x1 + side:g} {y:g}H{x2 - side:g}Q{x2:g} {y:g} {x2:g} {y + r:g}"


def _long_edge(plan: _Plan, a: int, b: int) -> str:
    """Out on the right, down its lane, and in again; through the gap between rows where a neighbour is in the way."""
    source, target, lane = plan.boxes[a], plan.boxes[b], plan.lanes[a, b]
    r = 6
    if plan.rows[source.row][-1] == a:
        y1 = source.y + 0.72 * source.height
        start = f"M{source.right:g} {y1:g}H{lane - r:g}Q{lane:g} {y1:g} {lane:g} {y1 + r:g}"
    else:
        y1 = max(plan.boxes[i].bottom for i in plan.rows[source.row]) + 7
        start = (
            f"M{source.x + 10:g} {source.bottom:g}V{y1 - 4:g}q0 4 4 4H{lane - r:g}Q{lane:g} {y1:g} {lane:g} {y1 + r:g}"
        )
    if plan.rows[target.row][-1] == b:
        y2 = target.y + 0.28 * target.height
        end = f"V{y2 - r:g}Q{lane:g} {y2:g} {lane - r:g} {y2:g}H{target.right:g}"
    else:
        y2 = min(plan.boxes[i].y for i in plan.rows[target.row]) - 9
        end = f"V{y2 - r:g}Q{lane:g} {y2:g} {lane - r:g} {y2:g}H{target.x + 14:g}q-4 0 -4 4V{target.y:g}"
    return f'<path class="edge skip" d="{start}{end}" marker-end="url(#arrow)"/>'


def _groups(plan: _Plan, repeats: Sequence[Repeat]) -> list[str]:
    found = []
    for repeat in repeats:
        inside = range(repeat.first, repeat.last + 1)
        lanes = [x for (a, b), x in plan.lanes.items() if b in inside]
        left = min(plan.boxes[i].x - plan.boxes[i].width / 2 for i in inside) - 8
        right = max([plan.boxes[i].right for i in inside] + lanes) + 8
        top, bottom = min(plan.boxes[i].y for i in inside) - 7, max(plan.boxes[i].bottom for i in inside) + 7
        found.append(
            f'<rect class="group" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="9"/>'
            f'<text class="times" x="{right + 8:g}" y="{(top + bottom) / 2 + 5:g}">\u00d7 {repeat.times}</text>'
        )
    return found


def _input_text(layer: DrawnLayer) -> str:
    return f"input {shape_text(layer.shape)}"


def _input(box: _Box) -> str:
    return (
        f'<rect class="io" x="{box.x - box.width / 2:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
        f'rx="12"/><text class="middle" x="{box.x:g}" y="{box.y + 17:g}">{_input_text(box.layer)}</text>'
    )


def _node(box: _Box) -> str:
    if box.layer.type == _INPUT:
        return _input(box)
    layer, left = box.layer, box.x - box.width / 2
    room = int((box.width - 24) / _CHARACTER)
    right = _right(layer)
    shape = shape_text(layer.shape)
    params = f"{layer.params:,} parameters" if layer.params else ""
    full = " · ".join(part for part in (layer.name, _left(layer), shape, params) if part)
    left_room = box.width - 28 - _CHARACTER * len(right)
    kind = _cut(layer.type, int(left_room / _BOLD))
    spare = int((left_room - _BOLD * len(kind)) / _CHARACTER) - 1
    detail = _cut(layer.detail, spare) if spare >= 4 else ""
    body = f'<tspan class="kind">{html.escape(kind)}</tspan>'
    if detail:
        body += f' <tspan class="detail">{html.escape(detail)}</tspan>'
    first = box.y + (18 if box.height == _TALL else 17)
    lines = [f'<text x="{left + 11:g}" y="{first:g}">{body}</text>']
    if right:
        lines.append(f'<text class="right" x="{left + box.width - 11:g}" y="{first:g}">{html.escape(right)}</text>')
    if box.height == _TALL:
        name = html.escape(_cut(layer.name, int((room - len(shape)) * 1.12) - 1))
        lines.append(f'<text class="small" x="{left + 11:g}" y="{box.y + 35:g}">{name}</text>')
        lines.append(f'<text class="small right" x="{left + box.width - 11:g}" y="{box.y + 35:g}">{shape}</text>')
    return (
        f'<g class="layer {family(layer.type)}"><title>{html.escape(full)}</title>'
        f'<rect x="{left:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="6"/>{"".join(lines)}</g>'
    )


def _left(layer: DrawnLayer) -> str:
    return f"{layer.type} {layer.detail}".strip()


def _right(layer: DrawnLayer) -> str:
    if layer.params:
        return count_text(layer.params)
    return "" if family(layer.type) in ("norm", "act") else shape_text(layer.shape)


def _cut(text: str, room: int) -> str:
    """The text within so many characters; the end of a name says more than its middle."""
    room = max(room, 4)
    if len(text) <= room:
        return text
    return f"{text[: room - room // 2 - 1]}…{text[-(room // 2) :]}"


def _extent(plan: _Plan, *, folded: bool) -> tuple[float, float, float, float]:
    left = min((box.x - box.width / 2 for box in plan.boxes), default=0) - _MARGIN
    right = max([box.right for box in plan.boxes] + list(plan.lanes.values()), default=100) + _MARGIN
    right += 40 if folded else 0  # room for the number of times beside a group
    top = -8
    bottom = max((box.bottom for box in plan.boxes), default=20) + 10
    return left, top, right - left, bottom - top
