"""Which fidelities a multi-fidelity strategy asks for: its rungs.

From rung to rung the training gets longer by a factor (usually 3), and one in as many candidates goes on, so that every
rung costs about the same. Where only some fidelities can be had (a table's, whole epochs), they are snapped to those.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from netwright.core.errors import InvalidInput

__all__ = ["USUAL_FIDELITIES", "checked_fidelities", "level_of", "rungs", "shares_kept"]

USUAL_FIDELITIES = (1 / 9, 1 / 3, 1.0)
"""Three rungs, each three times as long as the one before."""

_NEAR = 1e-6  # relative: the same fidelity but for rounding


def rungs(
    available: Sequence[float] | None = None, *, least: float | None = None, eta: float = 3.0, most: int = 3
) -> tuple[float, ...]:
    """Fidelities from the least to 1, each about `eta` times the one before, out of those that can be had.

    Args:
        available: the fidelities that can be asked for, ascending, the last of them 1; None: any.
        least: the lowest that is wanted; the lowest that can be had if not given.
        eta: the factor from one to the next.
        most: how many there are at most: the highest are kept. Very short trainings tell little of architectures: on
            NAS-Bench-101 the best cells are in the middle of the field after 4 of 108 epochs.

    Example:
        >>> [round(fidelity, 3) for fidelity in rungs(least=0.1)]
        [0.111, 0.333, 1.0]
        >>> [round(9 * fidelity) for fidelity in rungs([epoch / 9 for epoch in range(1, 10)])]  # of nine epochs
        [1, 3, 9]
        >>> rungs([0.06, 1.0]), rungs([1.0])
        ((0.06, 1.0), (1.0,))

    Raises:
        InvalidInput: if a number is out of its range.
    """
    if not eta > 1:
        raise InvalidInput(f"`eta` must be above 1, but got {eta!r}.")
    if least is not None and not 0 < least <= 1:
        raise InvalidInput(f"`least` must be in (0, 1], but got {least!r}.")
    if most < 1:
        raise InvalidInput(f"`most` must be at least 1, but got {most!r}.")
    known = None if available is None else checked_fidelities(available)
    low = least if least is not None else 0.0 if known is None else known[0]
    wanted = [1.0]
    while wanted[-1] / eta >= low * (1 - _NEAR) and len(wanted) < most:
        wanted.append(wanted[-1] / eta)
    if known is not None:
        last = wanted[-1]
        between = [one for one in known if one < last * (1 - _NEAR) and one >= low * (1 - _NEAR)]
        # What is left below the last step is a rung of its own if it is much cheaper, as in a table of two fidelities.
        if between and len(wanted) < most and last / between[0] > eta**0.5:
            wanted.append(between[0])
        wanted = [min(known, key=lambda one: abs(_log_ratio(one, target))) for target in wanted]
    return tuple(sorted(set(wanted)))


def checked_fidelities(given: Sequence[float]) -> tuple[float, ...]:
    """Fidelities as a tuple, if they ascend within (0, 1] and end with 1.

    Raises:
        InvalidInput: otherwise.
    """
    found = tuple(float(one) for one in given)
    if not found or found[-1] != 1 or found[0] <= 0 or any(b <= a for a, b in itertools.pairwise(found)):
        raise InvalidInput(f"`fidelities` must ascend within (0, 1] and end with 1, but got {tuple(given)}.")
    return found


def level_of(fidelity: float, fidelities: Sequence[float]) -> int | None:
    """The highest rung that a fidelity reaches; None below the lowest.

    Example:
        >>> level_of(0.5, (0.1, 0.3, 1.0)), level_of(0.05, (0.1, 1.0))
        (1, None)
    """
    found = None
    for level, one in enumerate(fidelities):
        if fidelity < one * (1 - _NEAR):
            break
        found = level
    return found


def shares_kept(fidelities: Sequence[float], eta: float | None) -> tuple[float, ...]:
    """The share of each rung but the last that goes on: 1/eta, or such that all rungs cost the same.

    Example:
        >>> shares_kept((0.1, 0.5, 1.0), None), shares_kept((0.1, 0.5, 1.0), 4.0)
        ((0.2, 0.5), (0.25, 0.25))

    Raises:
        InvalidInput: if `eta` is not above 1.
    """
    if eta is None:
        return tuple(low / high for low, high in itertools.pairwise(fidelities))
    if not eta > 1:
        raise InvalidInput(f"`eta` must be above 1 or None, but got {eta!r}.")
    return tuple(1 / eta for _ in fidelities[1:])


def _log_ratio(one: float, other: float) -> float:
    return math.log(one / other)
