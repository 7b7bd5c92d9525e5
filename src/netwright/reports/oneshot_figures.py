"""Plotly figures of a diary: losses, architecture parameters, how often options were trained, rankings."""

from __future__ import annotations

import contextlib
import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netwright.oneshot.diary import Diary, Phase, Ranking
from netwright.reports.plotting import COLOURS, counting_axis, figure_of, layout_of, logarithmic_axis, rounded, scatter

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    "MOST_DECISIONS",
    "MOST_ROWS",
    "entropy",
    "final_weights",
    "losses",
    "ranking",
    "skip_curve",
    "table_height",
    "trained_decisions",
    "training_counts",
    "value_curve",
    "weight_curves",
    "weights_height",
]

MOST_DECISIONS = 12
"""Decisions whose weights are drawn over the epochs."""
MOST_ROWS = 40
"""Decisions that are rows of a figure."""
_COLUMNS = 3
_PENS = [(colour, dash) for dash in ("solid", "dot") for colour in
         ("blue", "orange", "green", "purple", "sky", "ink", "grey")]  # fmt: skip  # a product of lists


def losses(phase: Phase) -> Figure | None:
    """Each loss after each epoch."""
    names = dict.fromkeys(name for epoch in phase.epochs for name in epoch.losses)
    curves = {name: [(e.number, e.losses[name]) for e in phase.epochs if name in e.losses] for name in names}
    return _curves({name: points for name, points in curves.items() if len(points) > 1}, "loss")


def value_curve(phase: Phase, name: str) -> Figure | None:
    """One of the other numbers after each epoch."""
    points = [(epoch.number, epoch.values[name]) for epoch in phase.epochs if name in epoch.values]
    return _curves({name: points}, name) if len(points) > 1 else None


def entropy(phase: Phase) -> Figure | None:
    """How undecided the decisions are: the mean, the least and the most decided one."""
    told = [(epoch.number, list(epoch.entropies.values())) for epoch in phase.epochs if epoch.weights]
    if len(told) < 2:
        return None
    curves = {
        "mean of all decisions": [(number, sum(found) / len(found)) for number, found in told],
        "most undecided": [(number, max(found)) for number, found in told],
        "most decided": [(number, min(found)) for number, found in told],
    }
    return _curves(curves, "entropy (1: all options alike)", bounds=(0.0, 1.0))


def skip_curve(phase: Phase) -> Figure | None:
    """The number of skip connections in what would be derived after each epoch."""
    points = [(epoch.number, float(epoch.n_skips)) for epoch in phase.epochs if epoch.n_skips is not None]
    if len(points) < 2:
        return None
    figure = _curves({"skip connections": points}, "skip connections", shape="hv")
    if figure is not None:
        most = max(count for _, count in points)
        figure.update_layout(yaxis={"range": [-0.3, most + 0.5], **counting_axis(int(most))})
    return figure


def weight_curves(phase: Phase) -> Figure | None:
    """The weights of the options of each decision over the epochs: small figures side by side.

    Of many decisions those are shown that are most decided at the end.
    """
    told = [epoch for epoch in phase.epochs if epoch.weights]
    if len(told) < 2:
        return None
    last = told[-1]
    order = list(last.weights)
    entropies = last.entropies
    shown = sorted(sorted(order, key=lambda name: entropies[name])[:MOST_DECISIONS], key=order.index)
    pens = _pens([last.weights[name] for name in order])
    n_columns = min(_COLUMNS, len(shown))
    n_rows = math.ceil(len(shown) / n_columns)
    gap_x, gap_y = 0.06, min(0.3, 0.34 / max(n_rows, 1))
    width, height = (1 + gap_x) / n_columns - gap_x, (1 + gap_y) / n_rows - gap_y
    layout = layout_of("epochs", "weight", [1.0])
    x_axis, y_axis = layout.pop("xaxis") | {"title": {}}, layout.pop("yaxis") | {"title": {}}
    highest = max(w for epoch in told for weights in epoch.weights.values() for w in weights.values())
    traces: list[dict[str, Any]] = []
    named: set[str] = set()
    layout["annotations"] = []
    for place, decision in enumerate(shown):
        row, column = divmod(place, n_columns)
        number = "" if place == 0 else str(place + 1)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        below = place + n_columns >= len(shown)
        layout[f"xaxis{number}"] = x_axis | {
            "domain": [left, left + width], "anchor": f"y{number}", "showticklabels": below, **_epochs_axis(phase),
        }  # fmt: skip  # attributes in a row
        layout[f"yaxis{number}"] = y_axis | {
            "domain": [top - height, top], "anchor": f"x{number}", "range": [0, 1.06 * highest], "nticks": 4,
            "showticklabels": column == 0, "tickformat": ".2~f",
        }  # fmt: skip  # attributes in a row
        layout["annotations"].append(
            {"text": html.escape(decision), "x": left, "y": top, "xref": "paper", "yref": "paper", "showarrow": False,
             "xanchor": "left", "yanchor": "bottom", "font": {"size": 12}}
        )  # fmt: skip  # attributes in a row
        for option in last.weights[decision]:
            colour, dash = pens[option]
            xs = [float(epoch.number) for epoch in told]
            ys = [epoch.weights.get(decision, {}).get(option) for epoch in told]
            traces.append(
                scatter(
                    xs, ys, name=option, mode="lines", legendgroup=option, showlegend=option not in named,
                    xaxis=f"x{number}", yaxis=f"y{number}",
                    line={"color": COLOURS[colour], "width": 2, "dash": dash},
                )
            )  # fmt: skip  # attributes in a row
            named.add(option)
    layout["legend"] |= {"y": -0.09 if n_rows > 2 else -0.14}
    layout["margin"] |= {"t": 26, "l": 44}
    return figure_of(traces, layout)


def weights_height(phase: Phase) -> int:
    """The height in pixels that `weight_curves` needs."""
    told = next((epoch.weights for epoch in reversed(phase.epochs) if epoch.weights), {})
    return 110 + 135 * math.ceil(min(len(told), MOST_DECISIONS) / _COLUMNS)


def final_weights(phase: Phase) -> Figure | None:
    """The last weights of all decisions as a table in colour: a row a decision, a column an option."""
    last = next((epoch for epoch in reversed(phase.epochs) if epoch.weights), None)
    if last is None:
        return None
    options = list(_pens(list(last.weights.values())))
    decisions = list(last.weights)[:MOST_ROWS]
    if len(options) > 14 or len(decisions) < 2:
        return None
    values = [[rounded(last.weights[name].get(option)) for option in options] for name in decisions]
    written = [["" if value is None else f"{value:.2f}" for value in row] for row in values]
    trace = {
        "type": "heatmap", "x": [html.escape(o) for o in options], "y": [html.escape(n) for n in decisions],
        "z": values, "text": written, "texttemplate": "%{text}", "showscale": False, "xgap": 2, "ygap": 2,
        "zmin": 0.0, "zmax": max(0.5, *(value for row in values for value in row if value is not None)),
        "colorscale": [[0, "rgba(61,159,214,0)"], [1, COLOURS["sky"]]], "textfont": {"color": COLOURS["ink"]},
        "hovertemplate": "%{y}: %{x} %{z}<extra></extra>",
    }  # fmt: skip  # attributes in a row
    layout = layout_of("", "", [])
    layout["xaxis"] |= {"type": "category", "side": "top", "showgrid": False, "ticks": "", "title": {},
                        "automargin": True}  # fmt: skip  # attributes in a row
    layout["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False, "ticks": "", "title": {},
                        "automargin": True, "tickformat": ""}  # fmt: skip  # attributes in a row
    layout["margin"] = {"l": 20, "r": 14, "t": 30, "b": 12}
    return figure_of([trace], layout)


def trained_decisions(diary: Diary) -> list[str]:
    """The decisions of `training_counts`: all, or the most unevenly trained ones, in their order."""
    totals = {name: counts for name, counts in diary.totals().items() if any(counts.values()) and len(counts) > 1}
    if len(totals) <= MOST_ROWS:
        return list(totals)

    def evenness(name: str) -> float:
        counts = totals[name].values()
        return min(counts) / max(counts)

    kept = set(sorted(totals, key=evenness)[:MOST_ROWS])
    return [name for name in totals if name in kept]


def training_counts(diary: Diary) -> Figure | None:
    """How often each option was trained in all phases: a row a decision, a point an option."""
    names = trained_decisions(diary)
    if not names:
        return None
    totals = diary.totals()
    pens = _pens([totals[name] for name in names])
    rows = {name: place for place, name in enumerate(names)}
    many = len(pens) > len(_PENS)
    traces: list[dict[str, Any]] = []
    points = {option: [(totals[n][option], n) for n in names if option in totals[n]] for option in pens}
    for option, found in points.items():
        colour = "sky" if many else pens[option][0]
        symbol = "circle-open" if pens[option][1] == "dot" and not many else "circle"
        traces.append(
            scatter(
                [float(count) for count, _ in found], [float(rows[name]) for _, name in found], name=option,
                text=[f"{html.escape(name)}: {html.escape(option)}<br>{count:,} paths" for count, name in found],
                marker={"color": COLOURS[colour], "symbol": symbol, "size": 9, "opacity": 0.85},
            )
        )  # fmt: skip  # attributes in a row
    never = [(option, name) for option, found in points.items() for count, name in found if count == 0]
    if never:
        ring = {"color": COLOURS["orange"], "symbol": "x-thin", "size": 11,
                "line": {"width": 2, "color": COLOURS["orange"]}}  # fmt: skip  # attributes in a row
        traces.append(
            scatter([0.0] * len(never), [float(rows[name]) for _, name in never], name="never", marker=ring,
                    text=[f"{html.escape(name)}: {html.escape(option)}<br>never trained" for option, name in never])
        )  # fmt: skip  # attributes in a row
    layout = layout_of("paths trained", "", [])
    layout["xaxis"] |= {"rangemode": "tozero"}
    layout["yaxis"] |= {
        "tickvals": list(range(len(names))), "ticktext": [html.escape(name) for name in names],
        "range": [len(names) - 0.4, -0.6], "title": {}, "automargin": True,
    }  # fmt: skip  # attributes in a row
    layout["showlegend"] = not many
    layout["legend"] |= {"y": -60 / max(240, table_height(len(names)))}
    layout["margin"] |= {"l": 20}
    return figure_of(traces, layout)


def table_height(n_rows: int) -> int:
    """The height in pixels that a figure with so many rows of text needs."""
    return 130 + 22 * n_rows


def ranking(found: Ranking) -> Figure | None:
    """Scores by shared weights against scores after standalone training, a point an arch."""
    pairs = [p for p in zip(found.shared, found.standalone, strict=True) if all(map(math.isfinite, p))]
    if len(pairs) < 2:
        return None
    shared, own = [p[0] for p in pairs], [p[1] for p in pairs]
    mark = {"color": COLOURS["blue"], "size": 8, "opacity": 0.75}
    texts = [f"shared weights {a:.4g}<br>standalone {b:.4g}" for a, b in pairs]
    layout = layout_of("score by shared weights", "score after standalone training", own)
    layout["xaxis"]["tickformat"] = ".4~g"
    return figure_of([scatter(shared, own, name="arch", text=texts, marker=mark)], layout)


def _curves(
    curves: Mapping[str, Sequence[tuple[int, float]]],
    title: str,
    *,
    bounds: tuple[float, float] | None = None,
    shape: str = "linear",
) -> Figure | None:
    """Lines over epochs; what is no number is a gap."""
    values = [value for points in curves.values() for _, value in points if math.isfinite(value)]
    if not values:
        return None
    traces = []
    for (name, points), (colour, dash) in zip(curves.items(), _PENS * (1 + len(curves) // len(_PENS)), strict=False):
        line = {"color": COLOURS[colour], "width": 2.2, "dash": dash, "shape": shape}
        xs, ys = [float(number) for number, _ in points], [value for _, value in points]
        traces.append(scatter(xs, ys, name=name, mode="lines", line=line))
    layout = layout_of("epochs", title, values)
    layout["xaxis"] |= counting_axis(max(number for points in curves.values() for number, _ in points))
    layout["showlegend"] = True
    if bounds is not None:
        margin = 0.03 * (bounds[1] - bounds[0])
        layout["yaxis"]["range"] = [bounds[0] - margin, bounds[1] + margin]
    elif min(values) > 0 and max(values) / min(values) > 30:
        layout["yaxis"] |= logarithmic_axis(title, min(values), max(values))
    return figure_of(traces, layout)


def _epochs_axis(phase: Phase) -> dict[str, Any]:
    most = phase.epochs[-1].number
    return counting_axis(most) if most <= 6 else {"nticks": 5}


def _pens(of_decisions: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """A colour and a dash for each option, the same in all decisions, in the order of their first appearance."""
    options = list(dict.fromkeys(option for options in of_decisions for option in options))
    with contextlib.suppress(ValueError):  # names keep their order
        options = sorted(options, key=float)
    return {option: _PENS[place % len(_PENS)] for place, option in enumerate(options)}
