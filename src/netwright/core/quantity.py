"""Numbers as people write them: `10m`, `1h30m`, `100k`, `2.5M`."""

from __future__ import annotations

import re

from netwright.core.errors import InvalidInput

__all__ = ["count_text", "parse_count", "parse_seconds", "seconds_text"]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(
    r"(\d+(?:\.\d+)?|\.\d+)\s*(s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?|d(?:ays?)?)(?![a-z])", re.IGNORECASE
)
_COUNT = re.compile(r"([+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?)\s*([kKMGBT]?)")
_FACTORS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12}


def parse_seconds(text: str) -> float:
    """Seconds in a text such as `90s`, `10m`, `1h30m` or `1.5h`.

    Example:
        >>> parse_seconds("1h30m")
        5400.0

    Raises:
        InvalidInput: if it is not such a text.
    """
    stripped = text.strip()
    parts = list(_PART.finditer(stripped))
    rest = _PART.sub("", stripped).strip()
    if not parts or rest:
        raise InvalidInput(f"a time must look like 90s, 10m or 1h30m, but got {text!r}.")
    return sum(float(part[1]) * _UNITS[part[2][0].lower()] for part in parts)


def parse_count(text: str) -> float:
    """A number with an optional k, M, G (or B), T.

    Example:
        >>> parse_count("100k"), parse_count("2.5M"), parse_count("1e-3")
        (100000.0, 2500000.0, 0.001)

    Raises:
        InvalidInput: if it is not such a text.
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(f"a number must look like 1500, 0.5, 100k or 2.5M, but got {text!r}.")
    return float(match[1].replace("_", "")) * _FACTORS[match[2]]


def seconds_text(seconds: float) -> str:
    """A duration for people.

    Example:
        >>> seconds_text(75), seconds_text(3.21), seconds_text(7260)
        ('1m 15s', '3.2s', '2h 1m')
    """
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def count_text(value: float) -> str:
    """A count for people.

    Example:
        >>> count_text(117_482), count_text(999), count_text(2_500_000)
        ('117.5k', '999', '2.5M')
    """
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{unit}"
    return f"{value:g}"
