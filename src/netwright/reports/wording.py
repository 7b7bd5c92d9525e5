"""How numbers, shapes and decisions are written for people: the same in the page, the tables and the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from netwright.core.arch import Arch, Decided
from netwright.core.quantity import count_text, seconds_text

__all__ = ["decided_text", "decisions_text", "difference_text", "metric_text", "plural", "shape_text"]

_SHARES = ("accuracy", "error_rate", "top1", "top5")
_COUNTS = frozenset(["params", "flops", "macs", "n_params", "parameters"])


def is_share(name: str) -> bool:
    """Whether a metric is a share of examples, which reads best as a percentage.

    Example:
        >>> is_share("test_accuracy"), is_share("r2")
        (True, False)
    """
    return name.lower().endswith(_SHARES)


def metric_text(name: str, value: float | None) -> str:
    """A metric's value: a percentage for accuracies in 0..1, a short count for parameters, four digits otherwise.

    Example:
        >>> metric_text("accuracy", 0.98611), metric_text("params", 117_482), metric_text("loss", 0.0312345)
        ('98.61 %', '117.5k', '0.03123')
        >>> metric_text("accuracy", 93.5), metric_text("loss", float("nan"))
        ('93.5', 'not a number')
    """
    if value is None:
        return "-"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if is_share(name) and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    if name.lower() in _COUNTS:
        return count_text(value)
    if name.lower().endswith("seconds"):
        return seconds_text(value)
    return f"{value:.4g}"


def difference_text(name: str, value: float, reference: float) -> str:
    """How far a metric is from a reference, with its sign; accuracies in percentage points.

    Example:
        >>> difference_text("accuracy", 0.98, 0.955), difference_text("loss", 0.25, 0.5)
        ('+2.50 points', '-0.25')
    """
    if is_share(name) and 0 <= value <= 1 and 0 <= reference <= 1:
        return f"{100 * (value - reference):+.2f} points"
    return f"{value - reference:+.4g}"


def decided_text(value: Decided) -> str:
    """One decision's value.

    Example:
        >>> decided_text(0.00123456), decided_text(("a", "c")), decided_text(None), decided_text(True)
        ('0.001235', 'a, c', 'none', 'yes')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(map(decided_text, value)) or "none"
    return str(value)


def decisions_text(arch: Arch | Mapping[str, Decided]) -> str:
    """All decisions in one line.

    Example:
        >>> decisions_text(Arch({"depth": 2, "lr": 0.1}))
        'depth=2 lr=0.1'
    """
    return " ".join(f"{name}={decided_text(value)}" for name, value in arch.items())


def shape_text(shape: Sequence[int | str] | None) -> str:
    r"""A tensor's shape without its batch axis.

    Example:
        >>> shape_text((32, 8, 8)).split("\u00d7")
        ['32', '8', '8']
    """
    return "\u00d7".join(map(str, shape)) if shape else ""


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "candidate"), plural(12, "candidate"), plural(2, "arch", "arches")
        ('1 candidate', '12 candidates', '2 arches')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
