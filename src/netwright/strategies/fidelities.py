"""Which fidelities a multi-fidelity strategy asks for: its rungs.

From rung to rung the training gets longer by a factor, `eta`, and one in as many candidates goes on, so that every rung
costs about the same. Where only some fidelities can be had (a table's, whole epochs), they are snapped to those.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Real

from netwright.core.errors import InvalidInput

__all__ = ["USUAL_FIDELITIES", "checked_fidelities", "level_of", "rungs", "shares_kept"]

USUAL_FIDELITIES = (1 / 16, 1 / 4, 1.0)
"""Three rungs, each four times as long as the one before."""

_NEAR = 1e-6  # relative: the same fidelity but for rounding
_SHORTER = 0.8  # of what is wanted, is near enough


def rungs(
    available: Sequence[float] | None = None, *, least: float = 0.0, eta: float = 4.0, most: int = 3
) -> tuple[float, ...]:
    """Fidelities from the least to 1, each about `eta` times the one before, out of those that can be had.

    Args:
        available: the fidelities that can be asked for, ascending, the last of them 1; None: any. Each that is wanted
            is snapped to the next longer one, or one that is a little shorter.
        least: the lowest that is wanted.
        eta: the factor from one to the next; 4 as in the paper of ASHA.
        most: how many there are at most: the highest are kept. Very short trainings tell little of architectures: on
            NAS-Bench-101 the best cells are in the middle of the field after 4 of 108 epochs.

    Example:
        >>> rungs(), rungs(least=0.1)
        ((0.0625, 0.25, 1.0), (0.25, 1.0))
        >>> [round(108 * fidelity) for fidelity in rungs([4 / 108, 12 / 108, 36 / 108, 1.0])]
        [12, 36, 108]
        >>> rungs([0.06, 1.0]), rungs([1.0])
        ((0.06, 1.0), (1.0,))

    Raises:
        InvalidInput: if one is no number or out of its range.
    """
    for name, value in (("eta", eta), ("least", least), ("most", most)):
        if not isinstance(value, Real) or isinstance(value, bool):
            raise InvalidInput(f"`{name}` must be a number, but got {value!r}.")
    if not eta > 1:
        raise InvalidInput(f"`eta` must be above 1, but got {eta!r}.")
    if not 0 <= least <= 1:
        raise InvalidInput(f"`least` must be in 0..1, but got {least!r}.")
    if most < 1:
        raise InvalidInput(f"`most` (`n_rungs` of methods) must be at least 1, but got {most!r}.")
    wanted = [1.0]
    while len(wanted) < most and wanted[-1] / eta >= least * (1 - _NEAR):
        wanted.append(wanted[-1] / eta)
    if available is not None:
        known = [one for one in checked_fidelities(available) if one >= least * (1 - _NEAR)]
        wanted = [next(one for one in known if one >= _SHORTER * target) for target in wanted[1:]] + [1.0]
    return tuple(sorted(set(wanted)))


def checked_fidelities(given: Sequence[float]) -> tuple[float, ...]:
    """Fidelities as a tuple, if they ascend within (0, 1] and end with 1.

    Raises:
        InvalidInput: otherwise.
    """
    found = tuple(float(one) for one in given)
    if not found or found[-1] != 1 or not found[0] > 0 or not all(a < b for a, b in itertools.pairwise(found)):
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


def shares_kept(fidelities: Sequence[float], eta: float) -> tuple[float, ...]:
    """The share of each rung but the last that goes on: 1/eta, or less where the next one costs more than eta times.

    Example:
        >>> shares_kept((0.1, 0.5, 1.0), 4.0)
        (0.2, 0.25)

    Raises:
        InvalidInput: if `eta` is not above 1.
    """
    if not eta > 1:
        raise InvalidInput(f"`eta` must be above 1, but got {eta!r}.")
    return tuple(min(1 / eta, low / high) for low, high in itertools.pairwise(fidelities))
