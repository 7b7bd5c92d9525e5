"""What all figures share: colours, axes, traces.

Colours are those of Okabe & Ito 2008 (told apart by colour-blind readers); the page replaces them in dark mode. All
text of users is escaped: plotly reads a part of HTML in labels.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netwright.core.errors import MissingDependency
from netwright.reports.wording import is_share, metric_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["COLOURS", "counting_axis", "figure_of", "layout_of", "logarithmic_axis", "rounded", "scatter"]

COLOURS = {
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#009e73",
    "purple": "#a7558a",
    "sky": "#3d9fd6",
    "grey": "#8a9199",
    "faint": "#b9c0c7",
    "ink": "#30363d",
    "grid": "#e4e7ea",
}
"""The colours of the figures by name; the page maps each to one that suits a dark background."""


def scatter(
    xs: Sequence[float | None], ys: Sequence[float | None], *, name: str, mode: str = "markers", **options: Any
) -> dict[str, Any]:
    """A trace as plotly knows it, its numbers rounded to six digits: the file stays small."""
    if "text" in options:
        options["hovertemplate"] = "%{text}<extra></extra>"
    return {
        "type": "scatter",
        "mode": mode,
        "x": [rounded(x) for x in xs],
        "y": [rounded(y) for y in ys],
        "name": html.escape(name),
    } | options


def rounded(value: float | None) -> float | None:
    """A number with six digits; None for what can't be drawn."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def logarithmic_axis(metric: str, low: float, high: float) -> dict[str, Any]:
    """An axis with ticks at 1, 2 and 5 of each power of ten, or at the powers alone where those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**p for p in powers for m in ((1, 2, 5) if len(powers) <= 4 else (1,))]
    return {"type": "log", "tickvals": ticks, "ticktext": [metric_text(metric, tick) for tick in ticks]}


def counting_axis(most: int) -> dict[str, Any]:
    """No ticks between 1 and 2 where only whole numbers have a meaning."""
    return {"tick0": 1, "dtick": 1} if most <= 12 else {}


def layout_of(x_title: str, y_title: str, values: Sequence[float]) -> dict[str, Any]:
    """The usual layout of a figure with two axes; `values` are those along y."""
    axis = {
        "gridcolor": COLOURS["grid"],
        "zeroline": False,
        "linecolor": COLOURS["faint"],
        "ticks": "outside",
        "tickcolor": COLOURS["faint"],
    }
    share = is_share(y_title) and values and min(values) >= 0 and max(values) <= 1
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": COLOURS["ink"]},
        "margin": {"l": 62, "r": 14, "t": 12, "b": 48},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "itemwidth": 30},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": COLOURS["faint"], "activecolor": COLOURS["blue"]},
        "xaxis": axis | {"title": {"text": html.escape(x_title), "standoff": 8}},
        "yaxis": axis
        | {"title": {"text": html.escape(y_title), "standoff": 8}, "tickformat": ".4~p" if share else ".4~g"},
    }


def figure_of(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> Figure:
    """A plotly figure with these traces, without plotly's own theme.

    Raises:
        MissingDependency: without plotly.
    """
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise MissingDependency("figures need plotly, which is not installed: pip install plotly") from error
    return graph_objects.Figure(data=list(traces), layout={"template": graph_objects.layout.Template()} | layout)
