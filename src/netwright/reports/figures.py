"""Plotly figures of a search. Each function takes data and returns a figure, or None where there is nothing to draw."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from netwright.core.record import Record
from netwright.reports.findings import best_first, focus, front, incumbents
from netwright.reports.plotting import COLOURS, counting_axis, figure_of, layout_of, logarithmic_axis, scatter
from netwright.reports.report_data import ReportData
from netwright.reports.wording import decided_text, is_share, metric_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    "curve_names",
    "drawn_records",
    "final_curve",
    "hover_text",
    "learning_curves",
    "progress",
    "trade_off",
    "trade_off_metrics",
]

MOST_POINTS = 3000
MOST_CURVES = 150
_CURVE_POINTS = 120
_Pair: TypeAlias = tuple[Record, float, float]
_COSTS = ("params", "flops", "latency_ms", "activation_mb", "energy_mj", "train_seconds")


def drawn_records(data: ReportData) -> dict[int, Record]:
    """The records that are points in the figures, by id: all, or an even choice with the best and the fronts in it."""
    records = data.records
    step = math.ceil(len(records) / MOST_POINTS)
    chosen = list(records[:: max(step, 1)])
    if step > 1:
        chosen += incumbents(data)
        chosen += [] if data.winner is None else [data.winner]
        for metric in trade_off_metrics(data):
            chosen += [record for record, _, _ in _front(data, _pairs(data, metric), metric)]
    kept = {record.id for record in chosen}
    return {record.id: record for record in records if record.id in kept}


def progress(data: ReportData, *, against: Literal["number", "seconds"] = "number") -> Figure | None:
    """Every candidate and the best so far, against the number of candidates or the time of the search.

    Candidates of lower fidelity are smaller and hollow; those that break a limit are triangles; failures are crosses
    at the bottom. A few far outliers are left outside the first view (a double click shows all).
    """
    scored = [record for record in data.records if data.value(record) is not None]
    if not scored:
        return None
    drawn = drawn_records(data)
    order = {record.id: place for place, record in enumerate(data.records, 1)}
    along = {r.id: float(order[r.id]) if against == "number" else r.elapsed_seconds for r in data.records}
    values = [value for record in scored if (value := data.value(record)) is not None]
    logarithmic = _logarithmic(data, values)
    low, high = _view(data, values, logarithmic=logarithmic)
    top = data.top_fidelity
    kinds = [
        ("candidate", "circle", "sky", 7, [r for r in scored if not r.violation and r.fidelity == top]),
        ("lower fidelity", "circle-open", "grey", 6, [r for r in scored if not r.violation and r.fidelity < top]),
        ("breaks a limit", "triangle-up-open", "purple", 7, [r for r in scored if r.violation]),
    ]
    traces: list[dict[str, Any]] = []
    for name, symbol, colour, size, records in kinds:
        shown = [record for record in records if record.id in drawn]
        if shown:
            traces.append(
                scatter(
                    [along[r.id] for r in shown],
                    [data.value(r) for r in shown],
                    name=name,
                    **_hover(data, shown),
                    marker={"symbol": symbol, "color": COLOURS[colour], "size": size, "opacity": 0.75},
                )
            )
    # What has no value stands at the bad end of the view.
    edge = low + 0.025 * (high - low) if data.objective.direction == "max" else high - 0.025 * (high - low)
    without = [record for record in data.records if data.value(record) is None]
    for name, symbol, colour, records in (
        ("outside the limits", "triangle-up-open", "purple", [r for r in without if r.status == "infeasible"]),
        ("failed", "x-thin", "orange", [r for r in without if r.status != "infeasible"]),
    ):
        shown = [record for record in records if record.id in drawn]
        if shown:
            line = {"width": 1.6, "color": COLOURS[colour]}
            traces.append(
                scatter(
                    [along[r.id] for r in shown],
                    [10**edge if logarithmic else edge] * len(shown),
                    name=name,
                    **_hover(data, shown),
                    marker={"symbol": symbol, "color": COLOURS[colour], "size": 7, "line": line},
                )
            )
    best = incumbents(data)
    if best:
        end = max(along.values())
        xs, ys = [along[r.id] for r in best], [data.value(r) for r in best]
        traces.append(
            scatter(
                [*xs, end],
                [*ys, ys[-1]],
                name="best so far",
                mode="lines",
                **_hover(data, [*best, best[-1]]),
                line={"shape": "hv", "color": COLOURS["blue"], "width": 2.5},
            )
        )
    title = "candidates" if against == "number" else "seconds of search"
    layout = layout_of(title, data.objective.metric, values)
    layout["yaxis"]["range"] = [low, high]
    layout["xaxis"] |= counting_axis(len(data.records)) if against == "number" else {"rangemode": "tozero"}
    if logarithmic:
        layout["yaxis"] |= logarithmic_axis(data.objective.metric, 10**low, 10**high)
    return figure_of(traces, layout)


def curve_names(data: ReportData) -> list[str]:
    """The curves worth a figure, at most three: first those of the objective's metric, then losses, then others."""
    counts: dict[str, int] = {}
    for record in data.records:
        for name, points in record.curves.items():
            if len(points) > 1:
                counts[name] = counts.get(name, 0) + 1
    metric = data.objective.metric.lower()

    def order(name: str) -> tuple[int, int, str]:
        lowered = name.lower()
        held_out = not lowered.startswith(("val", "test"))
        return (0 if lowered.endswith(metric) else 1 if "loss" in lowered else 2, held_out, name)

    skipped = {"lr", "learning_rate", "epoch", "step", "seconds", "images_per_second"}
    return sorted((name for name in counts if name.lower() not in skipped), key=order)[:3]


def learning_curves(data: ReportData, curve: str, *, highlighted: int = 5) -> Figure | None:
    """A curve of every candidate: the best few in colour, the rest faint."""
    with_curve = [r for r in best_first(data.records) if len(r.curves.get(curve, ())) > 1]
    if not with_curve:
        return None
    traces: list[dict[str, Any]] = []
    rest = with_curve[highlighted:][:MOST_CURVES]
    if rest:
        xs: list[float | None] = []
        ys: list[float | None] = []
        for record in rest:  # one trace with gaps: quicker to draw than one a candidate
            steps, kept = _points(record.curves[curve])
            xs += [*steps, None]
            ys += [*kept, None]
        colour = {"color": COLOURS["faint"], "width": 1}
        traces.append(scatter(xs, ys, name="the others", mode="lines", line=colour, opacity=0.55, hoverinfo="skip"))
    colours = ("blue", "orange", "green", "purple", "sky")
    dashes = ("solid", "dash", "dashdot", "dot", "longdash")
    for k, record in reversed(list(enumerate(with_curve[:highlighted]))):
        steps, kept = _points(record.curves[curve])
        traces.append(
            scatter(
                steps,
                kept,
                name=f"#{record.id}" + (" (best)" if data.winner is not None and record.id == data.winner.id else ""),
                mode="lines",
                text=hover_text(data, record),  # one text for all points
                line={"color": COLOURS[colours[k % 5]], "width": 2.6 if k == 0 else 1.8, "dash": dashes[k % 5]},
                legendrank=k,
            )
        )
    longest = max(len(r.curves[curve]) for r in with_curve)
    layout = _curve_layout(curve, [value for r in with_curve for value in r.curves[curve]], longest)
    ends = [points[-1] for r in with_curve if (points := r.curves[curve]) and math.isfinite(points[-1])]
    if ends and is_share(curve) and focus(ends) is not None:
        layout["yaxis"]["range"] = list(focus(ends) or ())
    return figure_of(traces, layout)


def final_curve(curve: str, values: Sequence[float]) -> Figure | None:
    """A curve of the final training."""
    if len(values) < 2:
        return None
    steps, kept = _points(values)
    line = {"color": COLOURS["blue"], "width": 2.6}
    return figure_of(
        [scatter(steps, kept, name=curve, mode="lines", line=line)], _curve_layout(curve, values, len(values))
    )


def _curve_layout(curve: str, given: Sequence[float], n_epochs: int) -> dict[str, Any]:
    values = [value for value in given if math.isfinite(value)]
    layout = layout_of("epochs", curve, values)
    layout["xaxis"] |= counting_axis(n_epochs)
    layout["showlegend"] = True  # of a single curve too: it says whose it is
    if "loss" in curve.lower() and min(values, default=0) > 0 and max(values) / min(values) > 30:
        layout["yaxis"] |= logarithmic_axis(curve, min(values), max(values))
    return layout


def trade_off_metrics(data: ReportData) -> list[str]:
    """What the first objective is set against: other objectives, parameters, limited costs.

    Each has two values or more.
    """
    names = [objective.metric for objective in data.objectives[1:]]
    names += [name for name in _COSTS if name == "params" or any(c.metric == name for c in data.constraints)]
    found = []
    for name in dict.fromkeys(names):
        values = {data.value_of(r, name) for r in data.records if data.value(r) is not None}
        if name != data.objective.metric and len(values - {None}) > 1:
            found.append(name)
    return found[:3]


def trade_off(data: ReportData, metric: str) -> Figure | None:
    """The first objective against another metric, with the Pareto front of the two marked.

    The other metric is minimised unless it is a maximised objective. The front holds candidates of the highest
    fidelity that keep the limits.
    """
    pairs = _pairs(data, metric)
    if not pairs:
        return None
    best = _front(data, pairs, metric)
    marked, drawn = {r.id for r, _, _ in best}, drawn_records(data)
    others = [pair for pair in pairs if pair[0].id not in marked and pair[0].id in drawn]
    lower = [pair for pair in others if pair[0].fidelity < data.top_fidelity and not pair[0].violation]
    beyond = [pair for pair in others if pair[0].violation]
    usual = [pair for pair in others if pair[0].fidelity == data.top_fidelity and not pair[0].violation]
    traces = []
    for name, symbol, colour, group in (
        ("candidate", "circle", "sky", usual),
        ("lower fidelity", "circle-open", "grey", lower),
        ("breaks a limit", "triangle-up-open", "purple", beyond),
    ):
        if group:
            traces.append(
                _points_of(
                    data,
                    group,
                    name=name,
                    marker={"symbol": symbol, "color": COLOURS[colour], "size": 7, "opacity": 0.7},
                )
            )
    if best:
        line = {"color": COLOURS["orange"], "width": 1.8, "dash": "dot"}
        mark = {"symbol": "diamond", "color": COLOURS["orange"], "size": 9}
        traces.append(_points_of(data, best, name="Pareto front", mode="lines+markers", line=line, marker=mark))
    if data.winner is not None and (chosen := [pair for pair in pairs if pair[0].id == data.winner.id]):
        ring = {
            "symbol": "circle-open",
            "color": COLOURS["blue"],
            "size": 17,
            "line": {"width": 2.5, "color": COLOURS["blue"]},
        }
        traces.append(_points_of(data, chosen[:1], name="the winner", marker=ring))
    xs, ys = [x for _, x, _ in pairs], [y for _, _, y in pairs]
    layout = layout_of(metric, data.objective.metric, ys)
    if min(xs) > 0 and max(xs) / min(xs) > 8:
        layout["xaxis"] |= logarithmic_axis(metric, min(xs), max(xs))
    logarithmic = _logarithmic(data, ys)
    low, high = _view(data, ys, logarithmic=logarithmic)
    layout["yaxis"]["range"] = [low, high]
    if logarithmic:
        layout["yaxis"] |= logarithmic_axis(data.objective.metric, 10**low, 10**high)
    for limit in data.constraints:
        if limit.metric == metric:
            layout.setdefault("shapes", []).append(
                {"type": "line", "x0": limit.limit, "x1": limit.limit, "y0": 0, "y1": 1, "yref": "paper",
                 "line": {"color": COLOURS["purple"], "width": 1.2, "dash": "dash"}}
            )  # fmt: skip  # one shape reads best in two lines
    return figure_of(traces, layout)


def _pairs(data: ReportData, metric: str) -> list[_Pair]:
    """Records with their values of a metric and of the first objective, where they have both."""
    return [
        (r, x, y)
        for r in data.records
        if (x := data.value_of(r, metric)) is not None and (y := data.value(r)) is not None
    ]


def _front(data: ReportData, pairs: Sequence[_Pair], metric: str) -> list[_Pair]:
    flip = next((-1 if o.direction == "max" else 1 for o in data.objectives if o.metric == metric), 1)
    sound = [(r, x, y) for r, x, y in pairs if r.fidelity == data.top_fidelity and not r.violation]
    return [sound[i] for i in front([(flip * x, r.loss) for r, x, _ in sound])]


def _points_of(data: ReportData, pairs: Sequence[_Pair], **options: Any) -> dict[str, Any]:
    hover = _hover(data, [r for r, _, _ in pairs])
    return scatter([x for _, x, _ in pairs], [y for _, _, y in pairs], **hover, **options)


def _points(values: Sequence[float]) -> tuple[list[float], list[float]]:
    step = math.ceil(len(values) / _CURVE_POINTS)
    kept = sorted({*range(0, len(values), step), len(values) - 1})
    return [float(i + 1) for i in kept], [values[i] for i in kept]


def _hover(data: ReportData, records: Sequence[Record]) -> dict[str, Any]:
    """The texts of points, and whose they are: the page keeps each text once, by id."""
    return {"text": [hover_text(data, r) for r in records], "customdata": [r.id for r in records]}


def hover_text(data: ReportData, record: Record) -> str:
    """What a point says of itself, as plotly's HTML."""
    lines = [f"<b>#{record.id}</b>"]
    for place, objective in enumerate(data.objectives):
        lines.append(f"{objective.metric}: {metric_text(objective.metric, data.value(record, place))}")
    if "params" in record.metrics and all(o.metric != "params" for o in data.objectives):
        lines.append(f"params: {metric_text('params', record.metrics['params'])}")
    if record.fidelity != 1:
        lines.append(f"fidelity: {record.fidelity:.3g}")
    decisions = list(record.arch.items())
    lines += [f"{name}: {decided_text(value)}"[:60] for name, value in decisions[:7]]
    if len(decisions) > 7:
        lines.append(f"and {len(decisions) - 7} more decisions")
    if record.status != "ok":
        lines.append(f"{record.status}: {record.error or ''}"[:90])
    return "<br>".join([lines[0], *(html.escape(line) for line in lines[1:])])


def _logarithmic(data: ReportData, values: Sequence[float]) -> bool:
    """Whether a minimised objective spans more than two orders of magnitude."""
    return data.objective.direction == "min" and min(values) > 0 and max(values) / min(values) > 100


def _view(data: ReportData, values: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """The first view of the objective's axis: no good value is ever cut off, far bad ones may be."""
    numbers = [math.log10(value) for value in values] if logarithmic else list(values)
    low, high = min(numbers), max(numbers)
    near = focus(numbers)
    if near is not None:
        low, high = (max(low, near[0]), high) if data.objective.direction == "max" else (low, min(high, near[1]))
    margin = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin
