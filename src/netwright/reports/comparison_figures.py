"""Plotly figures of a comparison of methods: medians as lines, the quartiles as a band around each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from netwright.core import Objective
from netwright.reports.compared import Compared, ComparedBenchmark
from netwright.reports.plotting import COLOURS, figure_of, layout_of, logarithmic_axis, scatter
from netwright.reports.wording import metric_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Pen", "incumbent_curves", "optimum_shares", "pens_of", "rank_curves"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_SHOWN = 5  # lines that are there at first; the page's own legend brings the others
_BANDED = 3
_POINTS = 240
_HUES = ("blue", "orange", "green", "purple", "sky", "ink", "grey")
_DASHES = ("solid", "dash", "dot", "dashdot")
_BAND = {"blue": "0,114,178", "orange": "213,94,0", "green": "0,158,115", "purple": "167,85,138",
         "sky": "61,159,214", "ink": "90,98,106", "grey": "138,145,153"}  # fmt: skip  # a palette


@dataclass(frozen=True, slots=True)
class Pen:
    """How a method is drawn, the same in all figures of a page.

    Attributes:
        hue, dash: of its line.
        shown: whether it is there at first.
        banded: whether its quartiles are drawn: many bands over each other say nothing.
    """

    hue: str
    dash: str
    shown: bool
    banded: bool

    def line(self, *, width: float = 2.2) -> dict[str, Any]:
        """As plotly knows it."""
        return {"color": COLOURS[self.hue], "dash": self.dash, "width": width}


def pens_of(ordered: Sequence[str]) -> dict[str, Pen]:
    """A pen for each method, the best first: the first few are shown at once, and so is random search.

    Example:
        >>> pens = pens_of(["best", *"abcde", "random"])
        >>> [name for name, pen in pens.items() if not pen.shown]
        ['e']
    """
    pens = {}
    for i, name in enumerate(ordered):
        shown, banded = i < _SHOWN or name == "random", i < _BANDED or name == "random"
        pens[name] = Pen(_HUES[i % len(_HUES)], _DASHES[i // len(_HUES) % len(_DASHES)], shown, banded)
    return pens


def incumbent_curves(
    compared: Compared,
    benchmark: ComparedBenchmark,
    pens: Mapping[str, Pen],
    *,
    against: Literal["queries", "seconds"] = "queries",
    test: bool = False,
) -> Figure | None:
    """The incumbent's value, or its test metric, against queries or simulated time."""
    metric = benchmark.test_metric if test else benchmark.goal.metric
    if metric is None:
        return None
    goal = Objective(metric, benchmark.goal.direction)
    unit, title = (1.0, "queries") if against == "queries" else _unit_of(compared, benchmark)
    traces, curves = [], {}
    view = _view(compared, benchmark, goal, pens, test=test)
    for row in compared.table(benchmark.name):
        if row.method not in pens or math.isnan(row.mean_rank):
            continue
        if against == "queries":
            places = _places(compared.queries)
            along = places.astype(np.float64)
            values = compared.values(benchmark.name, row.method, test=test)[:, places - 1]
        else:
            along = np.geomspace(row.simulated_seconds / 3 / compared.queries, row.simulated_seconds, _POINTS)
            values = compared.values_by_time(benchmark.name, row.method, along, test=test)
        quarters = _quartiles(goal, values)
        known = np.isfinite(quarters[1])
        if known.any():
            curves[row.method] = along[known] / unit, quarters[:, known]
            traces += _with_band(row.method, along[known] / unit, quarters[:, known], pens[row.method], metric)
    if not traces:
        return None
    every = [float(value) for _, quarters in curves.values() for value in quarters[1]]
    layout = layout_of(title, metric, every)
    start = float(np.median([xs[0] for xs, _ in curves.values()]))
    end = max(float(xs[-1]) for xs, _ in curves.values())
    if end > 10 * start:
        layout["xaxis"] |= logarithmic_axis("count", start, end)
        layout["xaxis"]["range"] = [math.log10(start), math.log10(end * 1.02)]
    layout["yaxis"]["range"] = view
    optimum = None if test else benchmark.optimum
    if optimum is not None:
        layout |= _marked(optimum, "best of the table", goal)
    return figure_of(traces, layout | {"showlegend": False})


def optimum_shares(compared: Compared, benchmark: ComparedBenchmark, pens: Mapping[str, Pen]) -> Figure | None:
    """The share of seeds that have found the best arch of the table, against queries."""
    if benchmark.optimum is None:
        return None
    goal = benchmark.goal
    best = goal.loss({goal.metric: benchmark.optimum})
    places = _places(compared.queries)
    traces, highest = [], 0.0
    for row in compared.table(benchmark.name):
        if row.method not in pens or math.isnan(row.mean_rank):
            continue
        values = compared.values(benchmark.name, row.method)[:, places - 1]
        losses = -values if goal.direction == "max" else values
        shares = (losses <= best + 1e-9 * max(abs(best), 1e-3)).mean(axis=0)
        highest = max(highest, float(shares[-1]))
        pen = pens[row.method]
        traces.append(
            scatter(
                places.tolist(),
                shares.tolist(),
                name=row.method,
                mode="lines",
                line=pen.line() | {"shape": "hv"},
                legendgroup=row.method,
                visible=pen.shown,
                hovertemplate=f"{row.method}: %{{y:.0%}} after %{{x}} queries<extra></extra>",
            )
        )
    if highest == 0:
        return None
    layout = layout_of("queries", "share of seeds", [])
    layout["yaxis"] |= {"tickformat": ".0%", "range": [-0.02, min(1.0, highest * 1.15) + 0.02]}
    if compared.queries >= 20:
        layout["xaxis"] |= logarithmic_axis("count", 1, compared.queries)
        layout["xaxis"]["range"] = [0, math.log10(compared.queries * 1.02)]
    return figure_of(traces, layout | {"showlegend": False})


def rank_curves(compared: Compared, pens: Mapping[str, Pen]) -> Figure | None:
    """The mean rank of each method over all benchmarks and seeds, against queries; the best is on top."""
    curves = compared.rank_curves()
    if len(curves) < 2:
        return None
    places = _places(compared.queries)
    traces = []
    for name in (name for name in pens if name in curves):
        pen = pens[name]
        traces.append(
            scatter(
                places.tolist(),
                curves[name][places - 1].tolist(),
                name=name,
                mode="lines",
                line=pen.line(),
                legendgroup=name,
                visible=pen.shown,
                hovertemplate=f"{name}: mean rank %{{y:.2f}} after %{{x}} queries<extra></extra>",
            )
        )
    layout = layout_of("queries", "mean rank", [])
    layout["yaxis"] |= {"autorange": "reversed"}
    if compared.queries >= 20:
        layout["xaxis"] |= logarithmic_axis("count", 1, compared.queries)
        layout["xaxis"]["range"] = [0, math.log10(compared.queries * 1.02)]
    return figure_of(traces, layout | {"showlegend": False})


def _places(queries: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The queries that are drawn: all, or an even choice on a logarithmic axis."""
    if queries <= _POINTS:
        return np.arange(1, queries + 1)
    return np.unique(np.geomspace(1, queries, _POINTS).round().astype(np.int64))


def _quartiles(goal: Objective, values: Numbers) -> Numbers:
    """The worse quartile, the median and the better quartile over the seeds, shape (3, places); NaN: not yet."""
    worst = -np.inf if goal.direction == "max" else np.inf
    ordered = np.sort(np.where(np.isnan(values), worst, values), axis=0)
    shares = (0.25, 0.5, 0.75) if goal.direction == "max" else (0.75, 0.5, 0.25)
    found = []
    for share in shares:
        place = share * (len(ordered) - 1)
        low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
        with np.errstate(invalid="ignore"):
            found.append(low + (place - math.floor(place)) * (high - low))
    return np.where(np.isfinite(found), found, np.nan)


def _with_band(name: str, xs: Numbers, quarters: Numbers, pen: Pen, metric: str) -> list[dict[str, Any]]:
    """The median as a line of steps, and the quartiles as the band around it."""
    worse, median, better = quarters
    sound = np.isfinite(worse) & np.isfinite(better)
    along, low = _steps(xs[sound], worse[sound])
    _, high = _steps(xs[sound], better[sound])
    band = scatter(
        [*along, *reversed(along)],
        [*low, *reversed(high)],
        name=name,
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({_BAND[pen.hue]},0.13)",
        line={"width": 0, "color": COLOURS[pen.hue]},
        legendgroup=name,
        hoverinfo="skip",
        visible=pen.shown,
    )
    texts = [
        f"<b>{name}</b><br>{metric_text(metric, middle)} ({metric_text(metric, one)} to {metric_text(metric, other)})"
        for middle, one, other in zip(median.tolist(), worse.tolist(), better.tolist(), strict=True)
    ]
    line = scatter(
        xs.tolist(),
        median.tolist(),
        name=name,
        mode="lines",
        line=pen.line() | {"shape": "hv"},
        legendgroup=name,
        text=texts,
        visible=pen.shown,
    )
    return [band, line] if pen.banded else [line]


def _steps(xs: Numbers, ys: Numbers) -> tuple[list[float], list[float]]:
    """The corners of a line that is level between two places."""
    return np.repeat(xs, 2)[1:].tolist(), np.repeat(ys, 2)[:-1].tolist()


def _unit_of(compared: Compared, benchmark: ComparedBenchmark) -> tuple[float, str]:
    """Seconds of the unit that suits the longest runs, and the axis' title."""
    longest = max(
        (row.simulated_seconds for row in compared.table(benchmark.name) if not math.isnan(row.simulated_seconds)),
        default=1.0,
    )
    for seconds, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if longest >= 2 * seconds:
            return seconds, f"simulated {name}"
    return 1.0, "simulated seconds"


def _view(
    compared: Compared, benchmark: ComparedBenchmark, goal: Objective, pens: Mapping[str, Pen], *, test: bool
) -> list[float]:
    """The first view: from what the worst method shown has after a tenth of the queries, to the best of all."""
    sign = -1.0 if goal.direction == "max" else 1.0
    bests = [] if test or benchmark.optimum is None else [sign * benchmark.optimum]
    worsts = []
    for row in compared.table(benchmark.name):
        if math.isnan(row.mean_rank) or row.method not in pens or not pens[row.method].shown:
            continue
        quarters = sign * _quartiles(goal, compared.values(benchmark.name, row.method, test=test))
        known = quarters[:, np.isfinite(quarters[1])]
        if known.size:
            bests.append(float(np.nanmin(known[2])))
            worsts.append(float(known[1][min(known.shape[1] - 1, compared.queries // 10)]))
    best, worst = min(bests, default=0.0), max(worsts, default=1.0)
    margin = 0.06 * (worst - best) or 0.02 * abs(best) or 1.0
    return sorted((sign * (best - margin), sign * (worst + margin)))


def _marked(value: float, text: str, goal: Objective) -> dict[str, Any]:
    """A dashed line across the figure, with what it is."""
    line = {"color": COLOURS["grey"], "width": 1.2, "dash": "dash"}
    return {
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}],
        "annotations": [
            {"xref": "paper", "x": 0, "xanchor": "left", "y": value, "text": text, "showarrow": False,
             "yanchor": "bottom" if goal.direction == "max" else "top",
             "font": {"size": 11, "color": COLOURS["grey"]}}
        ],
    }  # fmt: skip  # one annotation reads best in three lines
